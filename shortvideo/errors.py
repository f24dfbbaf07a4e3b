"""Why an operation is refused: a word for programs, and the exception that services raise."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """The words of the header `X-Error-Code`, one per cause. Clients rely on them: change none.

    docs/api.md lists them.
    """

    BAD_PARAMETER = "bad_parameter"
    BODY_TOO_LONG = "body_too_long"
    DATABASE_UNAVAILABLE = "database_unavailable"
    DECISION_CHANGED = "decision_changed"
    DEFECT = "defect"
    ENCODED_BODY = "encoded_body"
    HEADERS_TOO_LONG = "headers_too_long"
    INVALID_STATE = "invalid_state"
    JOB_RUNNING = "job_running"
    LENGTH_REQUIRED = "length_required"
    MALFORMED_REQUEST = "malformed_request"
    MISSING_PERMISSION = "missing_permission"
    NO_SUCH_OPERATION = "no_such_operation"
    NO_SUCH_VIDEO = "no_such_video"
    NO_TEMPLATE_GROUP = "no_template_group"
    NOT_LOGGED_IN = "not_logged_in"
    NOT_OWNER = "not_owner"
    NOT_RECOMMENDED = "not_recommended"
    OTHER_USER = "other_user"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    UNREADABLE_BODY = "unreadable_body"
    UNREADABLE_QUERY = "unreadable_query"
    URL_TOO_LONG = "url_too_long"
    VIDEO_BLOCKED = "video_blocked"
    VIDEO_NOT_PASSED = "video_not_passed"
    VIDEO_NOT_PLAYABLE = "video_not_playable"
    VIDEO_NOT_TRANSCODABLE = "video_not_transcodable"
    VOD_UNAVAILABLE = "vod_unavailable"
    WRONG_CREDENTIALS = "wrong_credentials"
    WRONG_METHOD = "wrong_method"


class InvalidState(Exception):
    """The state of a row does not allow the operation. str() is one sentence, safe to show."""

    error_code = ErrorCode.INVALID_STATE

    def __init__(self, sentence: object = "", error_code: ErrorCode | None = None) -> None:
        super().__init__(sentence)
        self.error_code = error_code or self.error_code


class NeedsConfirmation(InvalidState):
    """The operator has not seen what stands now, as str() says it. Once confirmed it is allowed."""

    error_code = ErrorCode.DECISION_CHANGED
