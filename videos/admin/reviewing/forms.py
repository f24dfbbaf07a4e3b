"""What the script of the review page sends."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Operator
from shortvideo.desk.forms import ByteLimitedField
from shortvideo.text import is_blank
from videos.models import Decision, ReasonTemplate, ReviewPreferences, ReviewTask
from videos.models.review import COMMENT_BYTES, REASON_BYTES

_LONGEST_NOTE = 2000


class PageForm(forms.Form):
    """Every call names its page: a UUID that the page drew when it was opened."""

    page = forms.UUIDField()


class ClipsForm(PageForm):
    """How many clips the page holds at most, and which it has."""

    limit = forms.IntegerField(min_value=1, max_value=5)
    order = forms.ChoiceField(choices=[(name, name) for name in ReviewTask.objects.all().ORDERS])
    skipped_since = forms.DateTimeField(required=False)


class BeatForm(PageForm):
    idle_seconds = forms.FloatField(min_value=0, max_value=86_400)


class ClaimForm(PageForm):
    """`shown_seconds`: how long the clip has been on the screen; empty if it was not."""

    shown_seconds = forms.FloatField(required=False, min_value=0, max_value=86_400)
    claim = forms.IntegerField(min_value=1, max_value=2**63 - 1)


class DecideForm(ClaimForm):
    """A decision. `seen` is what the clip's JSON had; a block has a template or a reason."""

    seen = forms.CharField(max_length=100)
    decision = forms.ChoiceField(
        choices=[choice for choice in Decision.choices if choice[0] != Decision.UNDO]
    )
    template = forms.ModelChoiceField(
        ReasonTemplate.objects.filter(is_active=True), required=False, label=_("Reason")
    )
    reason = ByteLimitedField(max_bytes=REASON_BYTES, required=False, label=_("Reason"))
    comment = ByteLimitedField(max_bytes=COMMENT_BYTES, required=False, label=_("Comment"))
    is_confirmed = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        template = cleaned.get("template")
        if template is not None:
            cleaned["reason"] = template.text_for_vod
        if cleaned.get("decision") == Decision.BLOCKED and is_blank(cleaned.get("reason", "x")):
            self.add_error("reason", _("A reason is required to block."))
        return cleaned


class SkipForm(ClaimForm):
    """`is_left`: the page frees a clip that it only loaded; its operator may get it again."""

    is_left = forms.BooleanField(required=False)


class RememberForm(PageForm):
    speed_percent = forms.TypedChoiceField(
        choices=ReviewPreferences.Speed, coerce=int, required=False
    )
    order = forms.ChoiceField(choices=ReviewPreferences.Order, required=False)


class NoteForm(ClaimForm):
    text = forms.CharField(max_length=_LONGEST_NOTE, label=_("Note"))


class EscalateForm(ClaimForm):
    """To a role or to a colleague."""

    operator = forms.ModelChoiceField(
        Operator.objects.filter(is_active=True), required=False, label=_("Colleague")
    )
    role = forms.ModelChoiceField(Group.objects.all(), required=False, label=_("Role"))
    text = forms.CharField(max_length=_LONGEST_NOTE, label=_("Note"))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if (cleaned.get("operator") is None) == (cleaned.get("role") is None):
            raise ValidationError(_("Choose a colleague or a role."))
        return cleaned


class UndoForm(PageForm):
    decision = forms.IntegerField(min_value=1, max_value=2**63 - 1)


class PastForm(PageForm):
    """`before`: the decision that the page has shown; empty for the last one."""

    before = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
