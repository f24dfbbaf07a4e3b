"""The two ways a call to the cloud can fail.

Whether trying again helps is all that callers need to know. `str(error)` is a sentence that may be
shown to operators; the SDK's own exception, which may carry a request's URL with its parameters, is
chained as `__cause__` and is for the log only.
"""


class CloudError(Exception):
    """A call to VOD or CDN did not succeed.

    `code` is the cloud's error code and `request_id` what its support asks for; both are empty
    where nothing came back.
    """

    def __init__(self, sentence: str, *, code: str = "", request_id: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.request_id = request_id


class CloudUnavailable(CloudError):
    """Trying again may help: no answer, an answer nobody understands, throttling, a fault there,
    or a fault of the account that an operator can mend.

    The operation may have been carried out all the same: the answer can get lost on its way.
    `retry_after` is in seconds, None where the cloud named no time; `throttled` tells that a rate
    limit or a daily quota is used up, so that every call of this kind would fail now.
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
    def is_quota_used_up(self) -> bool:
        """Whether a day's quota has not enough left for this call; a smaller one may fit."""
        return self.code.lower().startswith("quotaexceeded")


class CloudRejected(CloudError):
    """The cloud understood and refused; the same call will be refused again.

    `message` is the cloud's own explanation without parameters of URLs.
    """

    def __init__(
        self, sentence: str, *, code: str, message: str = "", request_id: str = ""
    ) -> None:
        super().__init__(sentence, code=code, request_id=request_id)
        self.message = message

    @property
    def is_not_found(self) -> bool:
        """Whether the cloud does not have what was asked for (a video, a job, a template group)."""
        return self.code == "NoSuchResource" or self.code.endswith(".NotFound")

    @property
    def is_duplicate_session(self) -> bool:
        """Whether VOD has taken this session id already, which proves that it has the job.

        Its pages do not give the code, so every code that says so in its name counts.
        """
        code = self.code.lower()
        return "session" in code and any(word in code for word in ("duplicat", "exist", "repeat"))
