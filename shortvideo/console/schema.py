"""The OpenAPI schema, which drf-spectacular reads off the views and the types of their data."""

from functools import cache
from typing import Any, NotRequired, TypeVar, get_args, get_origin, get_type_hints

from django.conf import settings
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from shortvideo.errors import ErrorCode

Endpoint = TypeVar("Endpoint", bound=tuple[Any, ...])
AnyField = serializers.Field[Any, Any, Any, Any]

_FIELDS: dict[Any, type[AnyField]] = {str: serializers.CharField, int: serializers.IntegerField}

_HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "The requestId of the envelope.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "X-Error-Code": {
        "description": "The cause of a refusal, for programs.",
        "schema": {"type": "string", "enum": [word.value for word in ErrorCode]},
    },
    "Retry-After": {
        "description": "With 429 and 503: seconds until a new attempt.",
        "schema": {"type": "integer"},
    },
}


class ConsoleSchema(AutoSchema):
    """Documents a DialectView: its parameters, its data and the refusal."""

    view: Any  # a DialectView; importing it here would be a cycle

    def get_operation_id(self) -> str:
        name = self.operation_name()
        is_second = self.method == "POST" and "get" in self.view.http_method_names
        return f"{name}ByPost" if is_second else name

    def get_tags(self) -> list[str]:
        return ["console"]

    def get_override_parameters(self) -> list[Any]:
        return [self.view.parameters_class] if self.method == "GET" else []

    def get_request_serializer(self) -> Any:
        return {"application/json": self.view.parameters_class}  # generators take one type

    def get_response_serializers(self) -> Any:
        answer = _envelope_schema(f"{self.operation_name()}Answer", "true", self.view.data_class)
        return {"200": answer, "default": _envelope_schema("refusal", "false")}

    def get_auth(self) -> list[dict[str, list[str]]]:
        if not hasattr(self.view, "permission_required"):
            return []
        return [{"bearer": []}, {"consoleToken": []}]

    def get_description(self) -> str:  # type: ignore[override]  # spectacular's own
        permission = getattr(self.view, "permission_required", "")
        needs = f"\n\nNeeds the permission `{permission}`." if permission else ""
        return f"{super().get_description()}{needs}"

    def operation_name(self) -> str:
        name = type(self.view).__name__.removesuffix("View")
        return f"{name[0].lower()}{name[1:]}"


@cache
def _envelope_schema(
    name: str, result: str, data_class: type | None = None
) -> serializers.Serializer[Any]:
    fields: dict[str, AnyField] = {
        "result": serializers.ChoiceField(choices=[result]),
        "requestId": serializers.UUIDField(),
        "message": serializers.CharField(),
        "code": serializers.RegexField(r"^[0-9]{3}$"),
        "data": _field(data_class) if data_class else serializers.DictField(allow_null=True),
    }
    return inline_serializer(name, fields)


def _field(hint: Any, **more: Any) -> AnyField:
    """The field that documents a value of this type; Annotated and `more` are options of it."""
    if get_origin(hint) is NotRequired:
        return _field(*get_args(hint), required=False)
    if get_origin(hint) is list:
        return serializers.ListSerializer(child=_field(*get_args(hint)), **more)
    value_type, options = get_args(hint) or (hint, {})  # Annotated, or the type itself
    if "choices" in options:
        return serializers.ChoiceField(**options, **more)
    return (_FIELDS.get(value_type) or _serializer_class(value_type))(**options, **more)


@cache  # one class for each TypedDict: the schema has its name once
def _serializer_class(data_class: type) -> type[serializers.Serializer[Any]]:
    hints = get_type_hints(data_class, include_extras=True)
    fields = {name: _field(hint) for name, hint in hints.items()}
    return type(data_class.__name__, (serializers.Serializer,), fields)


def without_slash_twins(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Document each operation once (a drf-spectacular preprocessing hook)."""
    return [endpoint for endpoint in endpoints if not endpoint[0].endswith("/")]


def with_headers(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Document the headers of answers and refusals (a drf-spectacular postprocessing hook)."""
    result["components"]["headers"] = _HEADERS
    for methods in result["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                is_answer = status == "200" and not settings.CONSOLE_API_COMPAT
                names = ["X-Request-Id"] if is_answer else list(_HEADERS)
                response["headers"] = {
                    name: {"$ref": f"#/components/headers/{name}"} for name in names
                }
    return result
