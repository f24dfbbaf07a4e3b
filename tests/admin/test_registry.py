"""Promises about every ModelAdmin of the desk."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.options import BaseModelAdmin

from shortvideo.desk.options import DeskAdmin, ReadOnlyAdmin
from videos.admin.columns import ErrorColumn, StateColumn, VideoColumns
from videos.models import Video

ADMINS = sorted(admin.site._registry.values(), key=lambda each: each.__class__.__name__)


def names_known_to_django(model_admin: Any) -> set[str]:
    """Return the attributes that a ModelAdmin inherits from Django's own classes."""
    ours = (DeskAdmin, ReadOnlyAdmin, StateColumn, VideoColumns, ErrorColumn)
    known: set[str] = set()
    for ancestor in type(model_admin).__mro__:
        if issubclass(ancestor, BaseModelAdmin) and ancestor.__module__.startswith("django."):
            known |= set(vars(ancestor))
        if ancestor in ours:
            known |= set(vars(ancestor)) & {
                "picture",
                "video_link",
                "state_badge",
                "error_text",
                "operations",
            }
    # Django's classes have no default for the first name; the others are ours.
    own = {
        "list_heading", "linked_lookups", "media_fields", "name_fields", "detail_template",
        "empty_hint", "phone_columns",
    }  # fmt: skip
    return known | own | {"empty_value_display"}


def own_columns(model_admin: Any) -> set[str]:
    used = {
        *model_admin.list_display,
        *(model_admin.fields or ()),
        *model_admin.readonly_fields,
    }
    return {name for name in used if isinstance(name, str)}


def unknown_options(model_admin: Any) -> set[str]:
    allowed = names_known_to_django(model_admin) | own_columns(model_admin)
    return {
        name
        for ancestor in type(model_admin).__mro__
        if not ancestor.__module__.startswith("django.") and ancestor is not object
        for name, value in vars(ancestor).items()
        if name not in allowed
        and not name.startswith("__")
        and not (callable(value) or isinstance(value, property))
    }


@pytest.mark.parametrize("model_admin", ADMINS, ids=lambda each: type(each).__name__)
def test_every_admin_option_is_known_to_django(model_admin: Any) -> None:
    assert unknown_options(model_admin) == set()


def test_a_misspelt_option_is_found() -> None:
    class Misspelt(ReadOnlyAdmin[Video]):
        list_filters = ("censor_status",)

    assert unknown_options(Misspelt(Video, admin.site)) == {"list_filters"}


@pytest.mark.parametrize("model_admin", ADMINS, ids=lambda each: type(each).__name__)
def test_lists_do_not_count_all_rows(model_admin: Any) -> None:
    assert model_admin.show_full_result_count is False


def test_djangos_own_delete_action_is_not_offered() -> None:
    assert "delete_selected" not in {name for name, _action in admin.site.actions}
