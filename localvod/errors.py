"""The documented refusals: code, HTTP status and message."""


class ApiError(Exception):
    """A call that the service answers with an error body.

    `code` is what clients match on; `status` is the HTTP status of the answer.
    """

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message


def missing_parameter(name: str) -> ApiError:
    return ApiError("MissingParameter", 400, f"The parameter {name} is required but was not given.")


def invalid_parameter(name: str, allowed: str) -> ApiError:
    message = f'The specified parameter "{name}" is not valid: {allowed}.'
    return ApiError("InvalidParameter", 400, message)


def invalid_length(name: str, limit: int) -> ApiError:
    message = f"The parameter {name} may not be longer than {limit} bytes of UTF-8."
    return ApiError("LengthExceededMax", 400, message)


def video_not_found(video_id: str) -> ApiError:
    return ApiError("InvalidVideo.NotFound", 404, f"The video {video_id} does not exist.")


def no_such_resource(what: str) -> ApiError:
    return ApiError("NoSuchResource", 404, f"The specified resource {what} does not exist.")


def illegal_status(status: str, http_status: int) -> ApiError:
    """A video's status does not allow the operation: 403 for playback, 400 for jobs."""
    return ApiError("Forbidden.IllegalStatus", http_status, f"Current Status is {status}.")


def api_not_found(action: str) -> ApiError:
    return ApiError("InvalidApi.NotFound", 404, f"The operation {action} does not exist here.")
