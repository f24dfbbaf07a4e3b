"""`POST /vodcallback/callback`: VOD's callbacks."""

import logging

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from shortvideo.cloud.events import MalformedEvent, SignatureRefused, parse_event, verify_signature
from videos.events import inbox

MAX_BODY_BYTES = 512 * 1024

logger = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def receive_callback(request: HttpRequest) -> HttpResponse:
    """Store an event and answer 200 at once. VOD drops an event after three other answers.

    403 for a wrong or old signature, 413 for a body that is too large, 400 for a body that is not
    an event. The content type is ignored: VOD does not document its own.
    """
    try:
        _check_signature(request)
        body = _read_body(request)
        event = parse_event(body)
    except SignatureRefused as refusal:
        logger.warning("A callback was refused", extra={"reason": str(refusal)})
        return _plain_response(str(refusal), status=403)
    except BodyTooLarge as refusal:
        return _plain_response(str(refusal), status=413)
    except MalformedEvent as refusal:
        return _plain_response(str(refusal), status=400)
    inbox.store_event(event)
    return _plain_response("OK", status=200)


class BodyTooLarge(Exception):
    """The body is larger than every event of VOD."""


def _check_signature(request: HttpRequest) -> None:
    """Raise SignatureRefused, without a configured key always."""
    verify_signature(
        callback_url=settings.VOD_CALLBACK_URL,
        timestamp=request.headers.get("X-VOD-TIMESTAMP", ""),
        signature=request.headers.get("X-VOD-SIGNATURE", ""),
        keys=(settings.VOD_CALLBACK_KEY, settings.VOD_CALLBACK_PREVIOUS_KEY),
        now=timezone.now(),
        max_age=settings.VOD_CALLBACK_MAX_AGE,
    )


def _read_body(request: HttpRequest) -> bytes:
    """The raw body. Raises BodyTooLarge after reading up to the limit."""
    body = request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLarge(f"An event has at most {MAX_BODY_BYTES} bytes.")
    return body


def _plain_response(sentence: str, *, status: int) -> HttpResponse:
    return HttpResponse(f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8")
