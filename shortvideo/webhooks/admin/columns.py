"""Columns of several lists."""

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from shortvideo.desk import display
from shortvideo.webhooks.models import Endpoint


def endpoint_link(endpoint: Endpoint) -> SafeString:
    url = reverse("admin:webhooks_endpoint_change", args=[endpoint.pk])
    return format_html('<a href="{}">{}</a>', url, endpoint)


def error_text(code: str, message: str) -> SafeString | str:
    if not code and not message:
        return display.NOTHING
    return format_html('<span class="error-text"><code>{}</code> {}</span>', code, message)
