"""Rows of several models in one query, for a page about one row that shows many short lists."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import CharField, Field, JSONField, Model, QuerySet, Value
from django.db.models.functions import JSONObject

_Relations = Mapping[str, Any]  # as `select_related` keeps them: the name, then those of its model


def read_together(**lists: QuerySet[Any]) -> dict[str, list[Any]]:
    """Return the rows of each query set by its name, in no order.

        read_together(notes=video.notes.select_related("operator"), jobs=video.transcode_jobs.all())

    One UNION ALL: each row comes as one JSON object. Fields that a query set defers stay deferred,
    and relations that it selects are filled. SQLite takes no LIMIT here: for short lists.
    """
    first, *others = (_as_json(name, rows) for name, rows in lists.items())
    found: dict[str, list[Any]] = {name: [] for name in lists}
    for name, values in first.union(*others, all=True):
        rows = lists[name]
        found[name].append(_instance(rows.model, values, _relations(rows)))
    return found


def _relations(rows: QuerySet[Any]) -> _Relations:
    return rows.query.select_related or {}  # type: ignore[return-value]  # names only, no True


def _as_json(name: str, rows: QuerySet[Any]) -> Any:
    deferred, _is_deferring = rows.query.deferred_loading
    columns = _columns(rows.model, _relations(rows), frozenset(deferred))
    label = Value(name, output_field=CharField())
    return rows.order_by().values_list(label, JSONObject(**columns))


def _columns(
    model: type[Model], relations: _Relations, deferred: frozenset[str], path: str = ""
) -> dict[str, Any]:
    """What `JSONObject` takes: each field by its column, and an object for each relation."""
    fields = [field for field in model._meta.concrete_fields if field.name not in deferred]
    columns: dict[str, Any] = {field.attname: f"{path}{field.attname}" for field in fields}
    for name, further in relations.items():
        inner = _columns(_related(model, name), further, frozenset(), f"{path}{name}__")
        columns[name] = JSONObject(**inner)
    return columns


def _related(model: type[Model], name: str) -> Any:
    return model._meta.get_field(name).related_model


def _instance(model: type[Model], values: Mapping[str, Any], relations: _Relations) -> Any:
    fields = [field for field in model._meta.concrete_fields if field.attname in values]
    row = model.from_db(
        connection.alias,
        [field.attname for field in fields],
        [_value(field, values[field.attname]) for field in fields],
    )
    for name, further in relations.items():
        related = _related(model, name)
        inner = _mapping(values[name])
        is_there = inner[related._meta.pk.attname] is not None
        setattr(row, name, _instance(related, inner, further) if is_there else None)
    return row


def _mapping(value: Any) -> Mapping[str, Any]:
    return json.loads(value) if isinstance(value, str) else value  # type: ignore[no-any-return]  # JSON


def _value(field: "Field[Any, Any]", value: Any) -> Any:
    """A value of a JSON object as the field's own type. SQLite keeps JSON and moments as text."""
    if isinstance(field, JSONField):
        is_text = connection.vendor == "sqlite" and isinstance(value, str)
        return json.loads(value) if is_text else value
    found = field.to_python(value)
    if isinstance(found, datetime) and found.tzinfo is None:
        return found.replace(tzinfo=UTC)
    return found
