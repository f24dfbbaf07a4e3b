"""What operators do to videos: who would change and who not, then the service for each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.requests import operator_of
from recommendations.services import Options, recommend_video
from shortvideo.desk.operations import Operation
from shortvideo.errors import InvalidState
from shortvideo.middleware import current_request_id
from videos.admin import undo
from videos.admin.forms import ApproveForm, BlockForm, RecommendForm
from videos.admin.media import thumbnail
from videos.models import Decision, ReasonTemplate, ReviewDecision, Source, TranscodeKind, Video
from videos.services import delete_video, request_undeletion, review_video, submit_transcode
from videos.services.deletion import undeletion_refusal
from videos.services.transcoding import check_submittable, template_group_id


class VideoOperation(Operation[Any]):
    """Rows are videos, or anything that leads to one through `video_of`."""

    refused = (InvalidState, *Operation.refused)

    def __init__(self, video_of: Callable[[Any], Video] = lambda row: row) -> None:
        self.video_of = video_of

    def thumbnail(self, row: Model) -> SafeString | str:
        return thumbnail(self.video_of(row))

    def refusals(self, rows: Sequence[Any]) -> Mapping[int, str]:
        videos = {row.pk: self.video_of(row) for row in rows}
        self.prepare(list(videos.values()))
        return {pk: text for pk, video in videos.items() if (text := self.refusal(video))}

    def prepare(self, videos: Sequence[Video]) -> None:
        """Read in one query what `refusal` needs of all of them."""

    def refusal(self, video: Video) -> str:
        return _("It was deleted.") if video.deleted_at is not None else ""

    def run(self, row: Any, values: Mapping[str, Any], request: HttpRequest) -> None:
        self.apply(self.video_of(row), values, request)

    def apply(self, video: Video, values: Mapping[str, Any], request: HttpRequest) -> None:
        raise NotImplementedError


class Review(VideoOperation):
    """A decision; one that a person took already is not taken again."""

    decision: ClassVar[Decision]
    already: ClassVar[str | Promise]

    def __init__(self, video_of: Callable[[Any], Video] = lambda row: row) -> None:
        super().__init__(video_of)
        self.decided: list[ReviewDecision] = []

    def prepare(self, videos: Sequence[Video]) -> None:
        latest = (
            ReviewDecision.objects.by_people()
            .in_force()
            .filter(video__in=[video.pk for video in videos])
            .order_by("id")
            .values_list("video_id", "source_version", "decision")
        )
        self.standing = {(video, version): decision for video, version, decision in latest}

    def refusal(self, video: Video) -> str:
        if refusal := super().refusal(video):
            return refusal
        standing = self.standing.get((video.pk, video.source_version))
        is_in_force = video.censor_status == self.decision.censor_status
        return str(self.already) if is_in_force and standing == self.decision else ""

    def apply(self, video: Video, values: Mapping[str, Any], request: HttpRequest) -> None:
        review = review_video(
            video,
            decision=self.decision,
            source=Source.ADMIN,
            operator=operator_of(request),
            reason=values.get("reason", ""),
            comment=values["comment"],
            request_id=current_request_id(),
        )
        self.decided.append(review)

    def afterword(self) -> SafeString | str:
        return undo.button(self.decided) if self.decided and settings.REVIEW_UNDO_SECONDS else ""


class Approve(Review):
    name = "approve"
    decision = Decision.NORMAL
    title = gettext_lazy("Approve videos")
    verb = gettext_lazy("Approve")
    done = gettext_lazy("passed")
    already = gettext_lazy("already passed")
    explanation = gettext_lazy("They pass here at once; VOD is told within seconds.")
    form_class = ApproveForm


class Block(Review):
    name = "block"
    decision = Decision.BLOCKED
    title = gettext_lazy("Block videos")
    verb = gettext_lazy("Block")
    done = gettext_lazy("blocked")
    already = gettext_lazy("already blocked")
    explanation = gettext_lazy(
        "They leave every public list at once; VOD is told within seconds, then what the CDN "
        "holds of them is purged."
    )
    is_destructive = True
    form_class = BlockForm

    def context(self) -> dict[str, Any]:
        return {"reason_templates": ReasonTemplate.objects.filter(is_active=True)}


class Transcode(VideoOperation):
    """A job of the kind's template group for each."""

    kind: ClassVar[TranscodeKind]
    done = gettext_lazy("submitted")
    explanation = gettext_lazy("One job each; its progress shows on the video.")

    def refusal(self, video: Video) -> str:
        try:
            check_submittable(video, self.kind, template_group_id(self.kind))
        except InvalidState as error:
            return str(error)
        return super().refusal(video)

    def apply(self, video: Video, values: Mapping[str, Any], request: HttpRequest) -> None:
        submit_transcode(
            video,
            kind=self.kind,
            operator=operator_of(request),
            request_id=current_request_id(),
        )


class TranscodeStandard(Transcode):
    name = "transcode"
    kind = TranscodeKind.STANDARD
    title = gettext_lazy("Transcode videos")
    verb = gettext_lazy("Transcode")


class TranscodeNarrowband(Transcode):
    name = "transcode_narrowband"
    kind = TranscodeKind.NARROWBAND
    title = gettext_lazy("Transcode videos to Narrowband HD")
    verb = gettext_lazy("Transcode to Narrowband HD")


class Recommend(VideoOperation):
    name = "recommend"
    title = gettext_lazy("Recommend videos")
    verb = gettext_lazy("Recommend")
    done = gettext_lazy("recommended")
    explanation = gettext_lazy("They join the recommended list; those on it keep their place.")
    form_class = RecommendForm

    def refusal(self, video: Video) -> str:
        if not video.is_passed:
            return _("Only a video that passed review can be recommended; this one is %s.") % (
                video.get_censor_status_display()
            )
        return super().refusal(video)

    def apply(self, video: Video, values: Mapping[str, Any], request: HttpRequest) -> None:
        recommend_video(
            video,
            operator=operator_of(request),
            options=Options(narrowband=values["narrowband"], prefetch=values["prefetch"]),
            request_id=current_request_id(),
        )


class Delete(VideoOperation):
    name = "remove"
    title = gettext_lazy("Delete videos")
    verb = gettext_lazy("Delete")
    done = gettext_lazy("deleted")
    explanation = gettext_lazy(
        "They leave every list at once, then VOD deletes them with all their files. "
        "This cannot be undone."
    )
    is_destructive = True

    def apply(self, video: Video, values: Mapping[str, Any], request: HttpRequest) -> None:
        deletion = delete_video(
            video, operator=operator_of(request), request_id=current_request_id()
        )
        if deletion is None:
            raise InvalidState(_("It was deleted already."))


class TakeBack(VideoOperation):
    name = "take_back"
    title = gettext_lazy("Take videos back")
    verb = gettext_lazy("Take back")
    done = gettext_lazy("asked for")
    explanation = gettext_lazy(
        "For videos that VOD was found not to have, and has after all. VOD is asked within "
        "seconds; those that it has are in the lists again, with the review that they had."
    )

    def refusal(self, video: Video) -> str:
        return undeletion_refusal(video)

    def apply(self, video: Video, values: Mapping[str, Any], request: HttpRequest) -> None:
        request_undeletion(video, operator=operator_of(request), request_id=current_request_id())
