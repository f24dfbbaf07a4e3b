"""Forms of the operations on videos."""

from django import forms
from django.utils.translation import gettext_lazy as _

from shortvideo.desk.forms import ByteLimitedField
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
