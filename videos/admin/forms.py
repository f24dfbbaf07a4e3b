"""Forms of the operations on videos."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from shortvideo.desk.forms import ByteLimitedField
from shortvideo.text import is_blank
from videos.models import ReasonTemplate
from videos.models.review import COMMENT_BYTES, REASON_BYTES


def _comment_field() -> ByteLimitedField:
    return ByteLimitedField(
        max_bytes=COMMENT_BYTES,
        rows=3,
        required=False,
        label=_("Comment"),
        help_text=_("For colleagues: kept in the history and sent to VOD, not shown to uploaders."),
    )


class ApproveForm(forms.Form):
    reason = ByteLimitedField(
        max_bytes=REASON_BYTES,
        required=False,
        label=_("Reason"),
        help_text=_("Required to lift a block."),
    )
    comment = _comment_field()


class BlockForm(forms.Form):
    reason = ByteLimitedField(
        max_bytes=REASON_BYTES,
        label=_("Reason"),
        help_text=_("Required. VOD takes 128 bytes: 128 Latin letters or 42 Chinese characters."),
    )
    comment = _comment_field()


class SendBackForm(forms.Form):
    reason = ByteLimitedField(
        max_bytes=REASON_BYTES, required=False, label=_("Reason"), help_text=_("For colleagues.")
    )
    comment = ByteLimitedField(max_bytes=COMMENT_BYTES, rows=3, required=False, label=_("Comment"))


class ReasonTemplateForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable here
    text = ByteLimitedField(max_bytes=REASON_BYTES, required=False, label=_("Reason in English"))
    text_zh_hans = ByteLimitedField(
        max_bytes=REASON_BYTES, required=False, label=_("Reason in Chinese")
    )

    class Meta:
        model = ReasonTemplate
        fields = (
            "policy", "severity", "text", "text_zh_hans", "is_urgent", "position", "is_active",
        )  # fmt: skip

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        texts = [self.cleaned_data.get(name, "refused") for name in ("text", "text_zh_hans")]
        if all(is_blank(text) for text in texts):
            raise ValidationError(_("Write the reason in one language at least."))
        return cleaned


class RecommendForm(forms.Form):
    narrowband = forms.BooleanField(
        required=False,
        label=_("Transcode to Narrowband HD"),
        help_text=_("Skipped for videos with such a job running or done."),
    )
    prefetch = forms.BooleanField(
        required=False,
        label=_("Prefetch to the CDN"),
        help_text=_("First frame, cover and playable file."),
    )
