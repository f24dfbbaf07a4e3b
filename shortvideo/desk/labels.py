"""Labels of model fields without a `verbose_name`, in the operator's language.

In English the label is Django's own, the field's name with spaces, or a better one from here. A
`verbose_name` in the model would need a migration for each change.
"""

from collections.abc import Iterable
from typing import Final

from django.db.models import Field, Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, gettext_noop, ngettext_lazy

# The catalogue has the names that pages of the desk show.
NAMES: Final = (
    gettext_noop("abnormal modules"),
    gettext_noop("after"),
    gettext_noop("attempts"),
    gettext_noop("body"),
    gettext_noop("changed count"),
    gettext_noop("checked at"),
    gettext_noop("checkpoint"),
    gettext_noop("claimed at"),
    gettext_noop("claimed by"),
    gettext_noop("claimed until"),
    gettext_noop("closed at"),
    gettext_noop("counts"),
    gettext_noop("created at"),
    gettext_noop("decision"),
    gettext_noop("deletion"),
    gettext_noop("delivery"),
    gettext_noop("dispatch"),
    gettext_noop("due at"),
    gettext_noop("error"),
    gettext_noop("error code"),
    gettext_noop("error message"),
    gettext_noop("event time"),
    gettext_noop("examples"),
    gettext_noop("expected count"),
    gettext_noop("failed count"),
    gettext_noop("files"),
    gettext_noop("finished at"),
    gettext_noop("first attempt at"),
    gettext_noop("first id"),
    gettext_noop("hits"),
    gettext_noop("job id"),
    gettext_noop("job ids"),
    gettext_noop("kind"),
    gettext_noop("labels"),
    gettext_noop("last error"),
    gettext_noop("last finished at"),
    gettext_noop("last id"),
    gettext_noop("last run at"),
    gettext_noop("last used at"),
    gettext_noop("lease until"),
    gettext_noop("machine review"),
    gettext_noop("name"),
    gettext_noop("new count"),
    gettext_noop("operator"),
    gettext_noop("part of"),
    gettext_noop("paused until"),
    gettext_noop("payload"),
    gettext_noop("previous status"),
    gettext_noop("processed at"),
    gettext_noop("reason"),
    gettext_noop("received at"),
    gettext_noop("recommended by"),
    gettext_noop("removed at"),
    gettext_noop("request id"),
    gettext_noop("requested by"),
    gettext_noop("result"),
    gettext_noop("retry of"),
    gettext_noop("seen count"),
    gettext_noop("since"),
    gettext_noop("source version"),
    gettext_noop("state"),
    gettext_noop("streams"),
    gettext_noop("subject"),
    gettext_noop("suggestion"),
    gettext_noop("takedown"),
    gettext_noop("task id"),
    gettext_noop("task ids"),
    gettext_noop("template group id"),
    gettext_noop("throttled count"),
    gettext_noop("unchanged count"),
    gettext_noop("until"),
    gettext_noop("uploader"),
    gettext_noop("verification"),
    gettext_noop("video"),
)

# Names of columns that only developers understand.
_BETTER: Final = {
    "broken lease count": gettext_noop("workers lost"),
    "claim count": gettext_noop("times taken by a worker"),
    "fault count": gettext_noop("faults in a row"),
    "retry count": gettext_noop("retries by operators"),
    "is held": gettext_noop("waits for an earlier call"),
    "is superseding": gettext_noop("replaces earlier calls"),
    "error request id": gettext_noop("request ID of the error"),
}

# Texts of Django and django-axes that their own catalogues lack in Chinese.
FOREIGN_TEXTS: Final = (
    gettext_noop("Error:"),
    gettext_noop("After you’ve created a user, you’ll be able to edit more user options."),
    ngettext_lazy(
        "This password is too short. It must contain at least %d character.",
        "This password is too short. It must contain at least %d characters.",
        0,
    ),
    gettext_noop("access attempt"),
    gettext_noop("access attempt expiration"),
    gettext_noop("access failure"),
    gettext_noop("access log"),
)


def translate_field_labels(models: Iterable[type[Model]]) -> None:
    """Translate the labels that Django makes of field names. Migrations do not see the change."""
    for model in models:
        for field in model._meta.get_fields():
            if isinstance(field, Field) and not isinstance(field.verbose_name, Promise):
                name = field.verbose_name
                field.verbose_name = gettext_lazy(_BETTER.get(name, name))
