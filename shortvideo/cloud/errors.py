"""The two errors of a call to the cloud: a retry may help, or it cannot.

`str(error)` is a sentence that may be shown to operators. `__cause__` is the SDK's exception; it is
for the log only, since it may hold the request's URL with its parameters.
"""

from typing import Final

# Codes, in lower case, of faults of our account, key or clock, not of the request.
KEY_CODES: Final = (
    "incompletesignature",
    "invalidaccesskeyid",
    "invalidcredentials",
    "invalidsecuritytoken",
    "missingaccesskeyid",
    "signaturedoesnotmatch",
)
ACCOUNT_CODES: Final = (*KEY_CODES, "forbidden.ram", "invalidtimestamp", "operationdenied")


class CloudError(Exception):
    """A call to VOD or CDN failed.

    `code` is the cloud's error code, `request_id` the id that its support asks for; both are empty
    if no answer arrived.
    """

    def __init__(self, sentence: str, *, code: str = "", request_id: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.request_id = request_id


class CloudUnavailable(CloudError):
    """A retry may help: no answer, an unreadable answer, throttling, a fault of the cloud, or a
    fault of our account that an operator can fix.

    The operation may have been executed: an answer can get lost. `retry_after` is in seconds, None
    if the cloud named no time. `throttled` is True if a rate limit or a daily quota is used up, so
    that every call of this kind would fail now.
    """

    def __init__(
        self,
        sentence: str,
        *,
        retry_after: float | None = None,
        throttled: bool = False,
        code: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(sentence, code=code, request_id=request_id)
        self.retry_after = retry_after
        self.throttled = throttled

    @property
    def is_account_fault(self) -> bool:
        """Whether every call fails until an operator mends the account, its key or the clock."""
        return self.code.lower().startswith(ACCOUNT_CODES)

    @property
    def is_quota_used_up(self) -> bool:
        """Whether the daily quota has too little left for this call; a smaller call may fit."""
        return self.code.lower().startswith("quotaexceeded")


class CloudRejected(CloudError):
    """The cloud refused the call, and will refuse the same call again.

    `message` is the cloud's explanation without the parameters of URLs.
    """

    def __init__(
        self, sentence: str, *, code: str, message: str = "", request_id: str = ""
    ) -> None:
        super().__init__(sentence, code=code, request_id=request_id)
        self.message = message

    @property
    def is_not_found(self) -> bool:
        """Whether the cloud does not have the requested video, job or template group."""
        return self.code == "NoSuchResource" or self.code.endswith(".NotFound")

    @property
    def is_duplicate_session(self) -> bool:
        """Whether VOD already has a job with this session id.

        VOD does not document the code, so every code with such a name counts.
        """
        code = self.code.lower()
        return "session" in code and any(word in code for word in ("duplicat", "exist", "repeat"))
