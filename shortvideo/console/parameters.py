"""Parameters of an operation: one serializer documents, validates and converts them."""

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar

from rest_framework import serializers

from shortvideo.console.errors import BadParameter

Query = TypeVar("Query")

_DRF_SENTENCES = {  # by the code of DRF's error
    "null_characters_not_allowed": "must not contain NUL characters",
    "surrogate_characters_not_allowed": "must be well-formed Unicode",
}


class Parameters(serializers.Serializer[Any], Generic[Query]):
    """Parameters of an operation."""

    query_class: ClassVar[type[Any]]  # its attributes are the `source` of the fields

    @classmethod
    def parse(cls, parameters: Mapping[str, Any]) -> Query:
        """Return the query. Raises BadParameter, which names the first invalid parameter.

        Ignores unknown parameters. An empty one counts as absent unless the field allows it.
        """
        serializer = _serializer(cls)
        given = {
            name: parameters[name]
            for name, field in serializer.fields.items()
            if name in parameters
            and (parameters[name] != "" or getattr(field, "allow_blank", False))
        }
        for name, value in given.items():
            if not isinstance(value, str):
                raise BadParameter(f"{name} must be text, not a list, an object or a file.")
        try:
            validated = serializer.run_validation(given)
        except serializers.ValidationError as error:
            raise BadParameter(_first_message(error.detail)) from error
        query: Query = cls.query_class(**validated)
        return query


@cache  # a new serializer copies all its fields; to validate changes nothing in it
def _serializer(parameters_class: type[Parameters[Any]]) -> Parameters[Any]:
    return parameters_class()


def _first_message(errors: Any) -> str:
    name, (detail, *_) = next(iter(errors.items()))
    return f"{name} {_DRF_SENTENCES.get(detail.code, str(detail))}."


class NoQuery:
    """The query of an operation without parameters."""


class NoParameters(Parameters[NoQuery]):
    query_class = NoQuery
