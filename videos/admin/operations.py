"""Operations on videos: each checks a row, then calls its service."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.forms import Form
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from recommendations.services import Options, recommend_video
from shortvideo.desk.operations import Operation
from shortvideo.desk.options import ModelAdmin
from shortvideo.errors import InvalidState, NeedsConfirmation
from videos.admin import undo
from videos.admin.forms import ApproveForm, BlockForm, RecommendForm, SendBackForm
from videos.admin.seen import parse_shown, shown_claim, shown_standing, shown_text
from videos.models import (
    CensorStatus,
    Decision,
    ReasonTemplate,
    ReviewDecision,
    Source,
    TranscodeKind,
    Video,
)
from videos.services import (
    DecisionInput,
    check_dismissible,
    check_playable,
    check_seen,
    check_submittable,
    check_undeletable,
    delete_video,
    describe_claim,
    describe_review,
    dismiss,
    request_undeletion,
    review_video,
    submit_transcode,
    unplayable_reason,
)


def _video_of(row: Any) -> Video:
    video: Video = row if isinstance(row, Video) else row.video
    return video


class VideoOperation(Operation[Any]):
    """An operation on videos, or on rows that have a `video`."""

    def check(self, row: Any) -> None:
        video = _video_of(row)
        if video.deleted_at is not None:
            raise InvalidState(_("It was deleted."))
        self.check_video(video)

    def check_video(self, video: Video) -> None:
        """Raise InvalidState if the video's state does not allow the operation."""

    def run(self, row: Any, values: Mapping[str, Any]) -> None:
        self.apply(_video_of(row), values)

    def apply(self, video: Video, values: Mapping[str, Any]) -> None:
        raise NotImplementedError


class SeenVideoOperation(VideoOperation):
    """An operation on a review that the operator has seen. It asks if that has changed."""

    def shown(self, row: Any) -> str:
        return shown_text(_video_of(row))

    def note(self, row: Any) -> str:
        video = _video_of(row)
        latest = shown_standing(video).decision
        return describe_review(video, latest) if latest is not None else ""

    def check(self, row: Any) -> None:
        super().check(row)
        if self.is_confirmed or self.seen(row):
            check_seen(shown_standing(_video_of(row)), parse_shown(self.seen(row))[0])

    def run(self, row: Any, values: Mapping[str, Any]) -> None:
        self.apply(_video_of(row), {**values, "seen": parse_shown(self.seen(row))[0]})


class Review(SeenVideoOperation):
    """A decision."""

    permission = "videos.review_video"
    decision: ClassVar[Decision]
    already: ClassVar[str | Promise]

    def __init__(self, model_admin: ModelAdmin[Any], request: HttpRequest) -> None:
        super().__init__(model_admin, request)
        self.decided: list[ReviewDecision] = []

    def check(self, row: Any) -> None:
        """Ask before a clip is decided that a colleague has on the review page."""
        super().check(row)
        claim = shown_claim(_video_of(row))
        if claim is not None and parse_shown(self.seen(row))[1] != str(claim.pk):
            raise NeedsConfirmation(describe_claim(claim))

    def is_in_force(self, video: Video) -> bool:
        """Whether a person has made the same decision."""
        latest = shown_standing(video).decision
        is_same = latest is not None and latest.is_human and latest.decision == self.decision
        return is_same and video.censor_status == self.decision.censor_status

    def apply(self, video: Video, values: Mapping[str, Any]) -> None:
        texts = {"reason": values["reason"], "comment": values["comment"]}
        new = DecisionInput(self.decision, Source.ADMIN, **texts, **self.actor)
        review = review_video(video, new, seen=values["seen"])
        if review.request_id != new.request_id:
            raise InvalidState(self.already)
        self.decided.append(review)

    def report_suffix(self) -> SafeString | str:
        return undo.button(self.decided) if self.decided and settings.REVIEW_UNDO_SECONDS else ""


class Approve(Review):
    name = "approve"
    decision = Decision.NORMAL
    label = gettext_lazy("Approve")
    title = gettext_lazy("Approve videos")
    report = gettext_lazy("%(done)d of %(selected)d approved.")
    already = gettext_lazy("Already approved.")
    explanation = gettext_lazy("Public immediately; VOD is updated within seconds.")
    form_class = ApproveForm

    def make_form(self, rows: Sequence[Any], **options: Any) -> Form:
        """Lifting a block needs a reason."""
        form = super().make_form(rows, **options)
        form.fields["reason"].required = any(_video_of(row).is_blocked for row in rows)
        return form

    def check(self, row: Any) -> None:
        video = _video_of(row)
        if video.deleted_at is None and self.is_in_force(video):
            raise InvalidState(describe_review(video, shown_standing(video).decision))
        super().check(row)

    def warning(self, row: Any) -> str:
        return unplayable_reason(_video_of(row))


class Block(Review):
    name = "block"
    decision = Decision.BLOCKED
    label = gettext_lazy("Block…")
    title = gettext_lazy("Block videos")
    verb = gettext_lazy("Block")
    report = gettext_lazy("%(done)d of %(selected)d blocked.")
    already = gettext_lazy("Already blocked.")
    explanation = gettext_lazy("Hidden immediately, then blocked in VOD and purged from the CDN.")
    is_destructive = True
    form_class = BlockForm

    def check(self, row: Any) -> None:
        """Ask before the reason of a block is changed."""
        super().check(row)
        video = _video_of(row)
        if not self.is_confirmed and self.is_in_force(video):
            review = describe_review(video, shown_standing(video).decision)
            raise NeedsConfirmation(_("Change the reason? %s") % review)

    def context(self) -> dict[str, Any]:
        return {"reason_templates": ReasonTemplate.objects.filter(is_active=True)}


class SendBack(Review):
    name = "send_back"
    decision = Decision.REVIEW
    label = gettext_lazy("Send back to review…")
    title = gettext_lazy("Send videos back to review")
    verb = gettext_lazy("Send back")
    report = gettext_lazy("%(done)d of %(selected)d sent back to review.")
    already = gettext_lazy("Already sent back.")
    explanation = gettext_lazy(
        "Hidden in the app until somebody decides again. VOD keeps its status, and URLs that were "
        "given out keep playing: block the clip if it must go."
    )
    form_class = SendBackForm

    def check_video(self, video: Video) -> None:
        if video.censor_status == CensorStatus.CHECK:
            raise InvalidState(_("It awaits review already."))

    def report_suffix(self) -> str:
        """Nothing is sent that an undo could hold back."""
        return ""


class TranscodeStandard(VideoOperation):
    name = "transcode"
    permission = "videos.transcode_video"
    kind: ClassVar[TranscodeKind] = TranscodeKind.STANDARD
    label = gettext_lazy("Transcode")
    title = gettext_lazy("Transcode videos")
    report = gettext_lazy("%(done)d of %(selected)d submitted.")
    explanation = gettext_lazy("One job for each video. The page of the video shows its progress.")

    def check_video(self, video: Video) -> None:
        check_submittable(video, self.kind)

    def apply(self, video: Video, values: Mapping[str, Any]) -> None:
        submit_transcode(video, kind=self.kind, **self.actor)


class TranscodeNarrowband(TranscodeStandard):
    name = "transcode_narrowband"
    kind = TranscodeKind.NARROWBAND
    label = gettext_lazy("Transcode to Narrowband HD")
    title = gettext_lazy("Transcode videos to Narrowband HD")


class Recommend(VideoOperation):
    name = "recommend"
    permission = "recommendations.recommend_video"
    label = gettext_lazy("Recommend…")
    title = gettext_lazy("Recommend videos")
    verb = gettext_lazy("Recommend")
    report = gettext_lazy("%(done)d of %(selected)d recommended.")
    explanation = gettext_lazy("Added to the recommended list. Videos on it keep their place.")
    form_class = RecommendForm

    def check_video(self, video: Video) -> None:
        if not video.is_passed:
            text = _("Only an approved video can be recommended. This one is: %s.")
            raise InvalidState(text % video.get_censor_status_display())
        check_playable(video)

    def apply(self, video: Video, values: Mapping[str, Any]) -> None:
        options = Options(narrowband=values["narrowband"], prefetch=values["prefetch"])
        recommend_video(video, options=options, **self.actor)


class Delete(SeenVideoOperation):
    name = "remove"
    permission = "videos.delete_video"
    label = gettext_lazy("Delete…")
    title = gettext_lazy("Delete videos")
    verb = gettext_lazy("Delete")
    report = gettext_lazy("%(done)d of %(selected)d deleted.")
    explanation = gettext_lazy(
        "Hidden immediately, then deleted in VOD with all files. This cannot be undone."
    )
    is_destructive = True

    def apply(self, video: Video, values: Mapping[str, Any]) -> None:
        if delete_video(video, seen=values["seen"], **self.actor) is None:
            raise InvalidState(_("Already deleted."))


class Restore(VideoOperation):
    name = "take_back"
    permission = "videos.delete_video"
    label = gettext_lazy("Restore…")
    title = gettext_lazy("Restore videos")
    verb = gettext_lazy("Restore")
    report = gettext_lazy("%(done)d of %(selected)d requested.")
    explanation = gettext_lazy(
        "For videos that VOD reported missing by mistake. The worker asks VOD within seconds. A "
        "restored video keeps its review status."
    )

    def check(self, row: Any) -> None:
        check_undeletable(_video_of(row))

    def apply(self, video: Video, values: Mapping[str, Any]) -> None:
        request_undeletion(video, **self.actor)


class Dismiss(Operation[Any]):
    """Removes rows from the inbox. Subclasses set permission, title and explanation."""

    name = "dismiss"
    label = gettext_lazy("Dismiss…")
    title = gettext_lazy("Dismiss")
    verb = gettext_lazy("Dismiss")
    report = gettext_lazy("%(done)d of %(selected)d dismissed.")

    def check(self, row: Any) -> None:
        check_dismissible(row)

    def run(self, row: Any, values: Mapping[str, Any]) -> None:
        dismiss(row, **self.actor)
