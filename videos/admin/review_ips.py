"""The page of VOD's review security IPs. Nothing is stored here: the page asks VOD."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import site
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.services import operator_of
from shortvideo.cloud import CloudError
from shortvideo.errors import InvalidState
from shortvideo.middleware import current_request_id
from videos.services import review_ips

PERMISSION = "videos.change_review_ips"


class AddressForm(forms.Form):
    address = forms.CharField(label=gettext_lazy("Address or CIDR block"), max_length=64)
    group = forms.CharField(
        label=gettext_lazy("Group"), max_length=64, initial=review_ips.DEFAULT_GROUP
    )


def review_ips_page(request: HttpRequest) -> HttpResponse:
    """Raises PermissionDenied for operators who may not change the addresses."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    form = AddressForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _is_changed(request, form):
        return redirect("review_ips")
    context = {
        **site.each_context(request),
        "title": _("Review IPs"),
        "form": form,
        **_listed(),
    }
    return TemplateResponse(request, "admin/review/ips.html", context)


def _is_changed(request: HttpRequest, form: AddressForm) -> bool:
    """Add or remove the form's address. A refusal becomes an error of the form."""
    address, group = form.cleaned_data["address"].strip(), form.cleaned_data["group"]
    actor: dict[str, Any] = {
        "operator": operator_of(request), "request_id": current_request_id(),
    }  # fmt: skip
    try:
        if "remove" in request.POST:
            review_ips.remove_review_ips([address], group=group, **actor)
            messages.success(request, _("%(address)s removed.") % {"address": address})
        else:
            review_ips.add_review_ips([address], group=group, **actor)
            messages.success(request, _("%(address)s added.") % {"address": address})
    except (InvalidState, CloudError) as error:
        form.add_error(None, str(error))
        return False
    return True


def _listed() -> dict[str, Any]:
    """The groups, or why VOD does not tell them."""
    try:
        groups = review_ips.list_review_ips()
    except CloudError as error:
        return {"problem": str(error)}
    return {"groups": sorted((name, ips) for name, ips in groups.items() if ips)}
