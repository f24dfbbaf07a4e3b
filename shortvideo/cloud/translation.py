"""From the SDK's exceptions to our two errors: by code, because one code has several statuses."""

import re
from typing import Any

from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from darabonba.exceptions import RetryError
from Tea.exceptions import TeaException

from shortvideo.cloud.errors import CloudError, CloudRejected, CloudUnavailable
from shortvideo.cloud.transport import TransportError

# Refused for now, in lower case: VOD and the gateway before it spell some of them differently.
BUSY = {"internalerror", "serviceunavailable", "servicebusy", "signaturenonceused"}
RATE_LIMITS = ("throttling", "quotaperminuteexceeded", "preloadqueuefull")
# Wrong with our account, key or clock, not with what was asked: every call fails until an operator
# has mended it, and nothing that waits should be given up for it at once.
ACCOUNT = (
    "forbidden.ram",
    "incompletesignature",
    "invalidaccesskeyid",
    "invalidcredentials",
    "invalidsecuritytoken",
    "invalidtimestamp",
    "operationdenied",
    "signaturedoesnotmatch",
)
ACCOUNT_RETRY_SECONDS = 60.0
DAILY_QUOTA_RETRY_SECONDS = 3600.0
LONGEST_RETRY_SECONDS = 3600.0  # whatever a header says: nothing of ours stands still for longer
MAX_MESSAGE_LENGTH = 300


def translated(error: TeaException, *, service: str, operation: str) -> CloudError:
    """Return our error for one that the SDK raised while carrying out `operation`."""
    if isinstance(error, AlibabaCloudException):
        return _refused(error, service=service, operation=operation)
    inner = getattr(error, "inner_exception", error)
    if isinstance(inner, TransportError):
        reason = str(inner)
    elif isinstance(inner, RetryError):
        reason = inner.message  # written by our own adapter
    else:
        reason = "the answer is not understood"
    return CloudUnavailable(f"{service} did not answer {operation}: {reason}.")


def is_for_the_log(error: TeaException) -> bool:
    """Whether the SDK's own text may be logged: the cloud's refusals, but no text that quotes the
    request (a signature's, with all parameters) or the whole of an answer."""
    return isinstance(error, AlibabaCloudException) and "ignature" not in f"{error.code}"


def _refused(error: AlibabaCloudException, *, service: str, operation: str) -> CloudError:
    data = error.data if isinstance(error.data, dict) else {}
    code = _word(error.code) or "no code"
    request_id = _word(data.get("RequestId"))
    sentence = f"{service} refused {operation}: {code}"
    sentence += f" (request id {request_id})." if request_id else "."
    kind = code.lower()
    status = error.status_code or 400
    seconds = _seconds_to_wait(error)
    if kind.startswith(ACCOUNT):
        sentence = f"{sentence.removesuffix('.')}; check the account, its access key and the clock."
        return CloudUnavailable(
            sentence, retry_after=ACCOUNT_RETRY_SECONDS, code=code, request_id=request_id
        )
    if kind.startswith("quotaexceeded"):
        return CloudUnavailable(
            sentence,
            retry_after=DAILY_QUOTA_RETRY_SECONDS,
            throttled=True,
            code=code,
            request_id=request_id,
        )
    if kind.startswith(RATE_LIMITS) or status == 429 or seconds:
        return CloudUnavailable(
            sentence, retry_after=seconds, throttled=True, code=code, request_id=request_id
        )
    if kind in BUSY or status >= 500:
        return CloudUnavailable(sentence, code=code, request_id=request_id)
    return CloudRejected(
        sentence, code=code, message=_explanation(data.get("Message")), request_id=request_id
    )


def _seconds_to_wait(error: AlibabaCloudException) -> float | None:
    retry_after = getattr(error, "retry_after", None)  # of a header that counts milliseconds
    return min(retry_after, LONGEST_RETRY_SECONDS * 1000) / 1000 if retry_after else None


def _word(value: Any) -> str:
    """Return what may stand in a sentence: codes and ids, and nothing a page could smuggle in."""
    text = re.sub(r"[^\w.-]", "", value if isinstance(value, str) else "", flags=re.ASCII)
    return "" if text == "None" else text[:128]


def _explanation(message: Any) -> str:
    """Return the cloud's own words, without parameters of URLs and within one line."""
    text = re.sub(r"\?\S*", "", message if isinstance(message, str) else "")
    return " ".join(text.split())[:MAX_MESSAGE_LENGTH]
