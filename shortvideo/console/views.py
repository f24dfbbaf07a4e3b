"""The base of every operation: checks in the documented order, then the operation itself."""

from typing import Any, ClassVar, Final, Generic

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.urls import URLPattern, path
from django.utils import translation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from shortvideo.console.envelope import Envelope
from shortvideo.console.errors import NotFound, WrongMethod, envelope_of
from shortvideo.console.parameters import NoParameters, NoQuery, Parameters, Query
from shortvideo.console.parsing import ParsedRequest
from shortvideo.console.schema import ConsoleSchema
from shortvideo.errors import ErrorCode
from shortvideo.middleware import current_request_id

_GZIP: Final = GZipMiddleware(lambda _: HttpResponse())  # for its `process_response`


class DialectView(APIView, Generic[Query]):
    """An operation in the console's dialect: checks method, access and parameters, then answers.

    Every error becomes an envelope. The session, `Accept` and `Accept-Language` are ignored:
    messages are the documented English ones.
    """

    http_method_names = ["get"]
    authentication_classes = ()  # DRF's checks run too early: the token may be in the body
    permission_classes = ()
    renderer_classes = (JSONRenderer,)
    schema = ConsoleSchema()
    parameters_class: ClassVar[type[Parameters[Any]]] = NoParameters
    data_class: ClassVar[type | None] = None  # the TypedDict of `data`, for the schema
    parsed_request: ParsedRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with translation.override("en"):
            response = super().dispatch(request, *args, **kwargs)
        # Not the answers of a POST: a login answers a secret beside what the client wrote.
        return _compressed(request, response) if request.method == "GET" else response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if str(request.method).lower() not in self.http_method_names:
            raise WrongMethod(" and ".join(self.allowed_methods))
        self.parsed_request = ParsedRequest.of(request._request)
        self.check_access()

    def check_access(self) -> None:
        """Raise a Refusal if the client may not call the operation. Here every client may."""

    def get(self, request: Request) -> HttpResponse:
        if self.parsed_request.problem is not None:
            raise self.parsed_request.problem
        query: Query = self.parameters_class.parse(self.parsed_request.parameters)
        return self.respond(query).as_response()

    post = get

    def respond(self, query: Query) -> Envelope:
        raise NotImplementedError

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]  # rendered
        return envelope_of(exc).as_response()

    @property
    def request_id(self) -> str:
        return current_request_id()


def _compressed(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Compress the answer if the client asks for it."""
    compressed: HttpResponseBase = _GZIP.process_response(request, response)
    return compressed


def operation_urls(route: str, view: type[APIView]) -> list[URLPattern]:
    """Serve `route` with and without a trailing slash."""
    callback = view.as_view()
    return [path(route, callback, name=route.rpartition("/")[2]), path(f"{route}/", callback)]


class UnknownOperationView(DialectView[NoQuery]):
    """Answers 404 for every other path under /console."""

    http_method_names = ["get", "post", "put", "patch", "delete", "head", "options", "trace"]
    schema = None  # type: ignore[assignment]  # how DRF leaves a view out of the schema

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is no such operation.", ErrorCode.NO_SUCH_OPERATION)
