"""The base of every operation: checks in the documented order, then the operation itself."""

from typing import Any, ClassVar, Generic

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from shortvideo.console.envelope import Envelope, request_id_of
from shortvideo.console.errors import NotFound, WrongMethod, envelope_of
from shortvideo.console.parameters import Asked, NoParameters, Nothing, Parameters
from shortvideo.console.received import Received
from shortvideo.console.schema import ConsoleSchema


class DialectView(APIView, Generic[Asked]):
    """An operation in the console's dialect: 405, then access, then parameters, then the answer.

    Whatever stops it becomes an envelope. Neither the session nor the client's wishes about
    formats and languages are looked at: messages are the documented, English ones.
    """

    http_method_names = ["get"]
    authentication_classes = ()  # ours come first, and depend on the body
    permission_classes = ()
    renderer_classes = (JSONRenderer,)
    schema = ConsoleSchema()
    parameters_class: ClassVar[type[Parameters[Any]]] = NoParameters
    data_class: ClassVar[type | None] = None  # documents `data`
    received: Received

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with translation.override("en"):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if str(request.method).lower() not in self.http_method_names:
            raise WrongMethod(" and ".join(self.allowed_methods))
        self.received = Received.of(request._request)
        self.check_access()

    def check_access(self) -> None:
        """Refuse those who may not ask at all; open to everybody here."""

    def get(self, request: Request) -> HttpResponse:
        return self.answer(request)

    def post(self, request: Request) -> HttpResponse:
        return self.answer(request)

    def answer(self, request: Request) -> HttpResponse:
        if self.received.problem is not None:
            raise self.received.problem
        asked: Asked = self.parameters_class.read(self.received.parameters)
        return self.respond(asked).as_response(request._request)

    def respond(self, asked: Asked) -> Envelope:
        raise NotImplementedError

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]  # rendered
        return envelope_of(exc).as_response(self.request._request)

    @property
    def request_id(self) -> str:
        return request_id_of(self.request._request)


class UnknownOperationView(DialectView[Nothing]):
    """Every other path under /console."""

    http_method_names = ["get", "post", "put", "patch", "delete", "head", "options", "trace"]
    schema = None  # type: ignore[assignment]  # DRF's way to leave it out

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is no such operation.")
