"""The two ways a call to the cloud can fail.

Whether trying again helps is all that callers need to know. `str(error)` is a sentence that may be
shown to operators; the SDK's own exception, which may carry a request's URL with its parameters, is
chained as `__cause__` and is for the log only.
"""


class CloudError(Exception):
    """A call to VOD or CDN did not succeed."""


class CloudUnavailable(CloudError):
    """Trying again may help: no answer, an answer nobody understands, throttling, a fault there.

    The operation may have been carried out all the same: the answer can get lost on its way.
    `retry_after` is in seconds, None where the cloud named no time; `throttled` tells that the
    account's rate limit for this operation is used up.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, throttled: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.throttled = throttled


class CloudRejected(CloudError):
    """The cloud understood and refused; the same call will be refused again.

    `code` is the cloud's error code, `message` its own explanation without URLs' parameters (empty
    where it could carry a secret), `request_id` what its support asks for.
    """

    def __init__(
        self, sentence: str, *, code: str, message: str = "", request_id: str = ""
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.message = message
        self.request_id = request_id

    @property
    def is_not_found(self) -> bool:
        """Whether the cloud does not have what was asked for (a video, a job, a template group)."""
        return self.code == "NoSuchResource" or self.code.endswith(".NotFound")
