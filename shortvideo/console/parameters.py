"""Parameters of an operation: one plain serializer documents, validates and coerces them."""

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

from rest_framework import serializers

from shortvideo.console.errors import BadParameter

Asked = TypeVar("Asked")

SENTENCES = {  # of DRF's own checks of text
    "null_characters_not_allowed": "must not contain NUL characters",
    "surrogate_characters_not_allowed": "must be well-formed Unicode",
}


class Parameters(serializers.Serializer[Any], Generic[Asked]):
    """Its fields bear the documented names; `source` names the attribute of `asked_class`."""

    asked_class: ClassVar[type[Any]]

    @classmethod
    def read(cls, received: Mapping[str, Any]) -> Asked:
        """Return what was asked. Raises BadParameter, which names the first bad parameter.

        Unknown parameters are ignored, empty ones are as good as absent, unless the field allows
        them.
        """
        serializer = cls(data={})
        serializer.initial_data = {
            name: received[name]
            for name, field in serializer.fields.items()
            if name in received and (received[name] != "" or getattr(field, "allow_blank", False))
        }
        for name, value in serializer.initial_data.items():
            if not isinstance(value, str):
                raise BadParameter(f"{name} must be text, not a list, an object or a file.")
        if not serializer.is_valid():
            raise BadParameter(_first_message(serializer.errors))
        asked: Asked = cls.asked_class(**serializer.validated_data)
        return asked


def _first_message(errors: Mapping[str, Any]) -> str:
    name, (detail, *_) = next(iter(errors.items()))
    return f"{name} {SENTENCES.get(detail.code, str(detail))}."


class Nothing:
    """Asked by operations without parameters of their own."""


class NoParameters(Parameters[Nothing]):
    asked_class = Nothing
