"""Translate the SDK's exceptions into our errors: by code, since one code has several statuses."""

import re
from typing import Any

from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from darabonba.exceptions import RetryError
from Tea.exceptions import TeaException

from shortvideo.cloud.errors import (
    ACCOUNT_CODES,
    KEY_CODES,
    CloudError,
    CloudRejected,
    CloudUnavailable,
)
from shortvideo.cloud.transport import TransportError

# Temporary faults, in lower case: VOD and the API gateway before it differ in case.
_BUSY = {"internalerror", "serviceunavailable", "servicebusy", "signaturenonceused"}
_RATE_LIMITS = ("throttling", "quotaperminuteexceeded", "preloadqueuefull")
_ACCOUNT_RETRY_SECONDS = 60.0
_DAILY_QUOTA_RETRY_SECONDS = 3600.0
_LONGEST_RETRY_SECONDS = 3600.0  # limit for the time that a header names
_MAX_MESSAGE_LENGTH = 300


def translate(error: TeaException, *, service: str, operation: str) -> CloudError:
    """Return our error for an exception that the SDK raised in `operation`."""
    if isinstance(error, AlibabaCloudException):
        return _translate_refusal(error, service=service, operation=operation)
    inner = getattr(error, "inner_exception", error)
    if isinstance(inner, TransportError):
        reason = str(inner)
    elif isinstance(inner, RetryError):
        reason = inner.message  # written by our own adapter
    else:
        reason = "the answer is not understood"
    return CloudUnavailable(f"{service} did not answer {operation}: {reason}.")


def is_safe_to_log(error: TeaException) -> bool:
    """Whether the exception is a refusal whose text quotes neither the request nor a whole answer.

    Refused signatures quote the request with all parameters.
    """
    return isinstance(error, AlibabaCloudException) and "ignature" not in f"{error.code}"


def _translate_refusal(error: AlibabaCloudException, *, service: str, operation: str) -> CloudError:
    data = error.data if isinstance(error.data, dict) else {}
    code = _word(error.code) or "no code"
    request_id = _word(data.get("RequestId"))
    sentence = f"{service} refused {operation}: {code}"
    sentence += f" (request id {request_id})." if request_id else "."
    kind = code.lower()
    status = error.status_code or 400
    seconds = _seconds_to_wait(error)
    if kind.startswith(ACCOUNT_CODES):
        what = "the account, its access key and the clock"
        if kind.startswith(KEY_CODES):
            sentence = sentence.replace(f"refused {operation}", "refuses the access key", 1)
            what = "the account, ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"
        sentence = f"{sentence.removesuffix('.')}; check {what}."
        return CloudUnavailable(
            sentence, retry_after=_ACCOUNT_RETRY_SECONDS, code=code, request_id=request_id
        )
    if kind.startswith("quotaexceeded"):
        return CloudUnavailable(
            sentence,
            retry_after=_DAILY_QUOTA_RETRY_SECONDS,
            throttled=True,
            code=code,
            request_id=request_id,
        )
    if kind.startswith(_RATE_LIMITS) or status == 429 or seconds:
        return CloudUnavailable(
            sentence, retry_after=seconds, throttled=True, code=code, request_id=request_id
        )
    if kind in _BUSY or status >= 500:
        return CloudUnavailable(sentence, code=code, request_id=request_id)
    return CloudRejected(
        sentence, code=code, message=_clean_message(data.get("Message")), request_id=request_id
    )


def _seconds_to_wait(error: AlibabaCloudException) -> float | None:
    retry_after = getattr(error, "retry_after", None)  # a header in milliseconds
    return min(retry_after, _LONGEST_RETRY_SECONDS * 1000) / 1000 if retry_after else None


def _word(value: Any) -> str:
    """Return a code or an id that is safe in a sentence: letters, digits, `_`, `.` and `-`."""
    text = re.sub(r"[^\w.-]", "", value if isinstance(value, str) else "", flags=re.ASCII)
    return "" if text == "None" else text[:128]


def _clean_message(message: Any) -> str:
    """Return the cloud's message in one line, without the parameters of URLs."""
    text = re.sub(r"\?\S*", "", message if isinstance(message, str) else "")
    return " ".join(text.split())[:_MAX_MESSAGE_LENGTH]
