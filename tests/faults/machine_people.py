"""Rules about people who use the API and the desk."""

from datetime import timedelta
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from recommendations.models import Recommendation
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery
from tests.faults.machine_base import (
    Machine,
    at_most,
    calls,
    clips,
    decisions,
    reasons,
    texts,
)
from tests.faults.machine_model import OF_DECISION, Clip, Place, Wanted
from videos.models import ReviewDecision, Video
from videos.services import undo_review, undoable_decision

# Later, REVIEW_UNDO_SECONDS (10) may be over between two statements.
SAFE_UNDO_TIME: Final = timedelta(seconds=8)


class PeopleRules(Machine):
    # Decisions.

    @rule(index=clips, decision=decisions, reason=reasons, comment=texts, channel=calls)
    def somebody_decides_by_the_api(
        self, index: int, decision: str, reason: str, comment: str, channel: str
    ) -> None:
        self.begin()
        clip = self.clip(index)
        reason = reason if decision == "Blocked" else ""
        is_repeated = clip.is_repeated(decision, reason, comment, by_desk=False)
        # While the desk can still undo a decision, an equal one by the API is a line of its own.
        if clip.is_visible and not (is_repeated and self.undoable(clip) is None):
            self.want(clip, "api", decision, reason, comment)
        given = {"status": decision, "reason": reason, "comment": comment}
        code = self.call(channel, "createAudit", mediaId=clip.vod_id, **given)
        assert code == ("200" if clip.is_visible else "404")

    @rule(index=clips, decision=decisions, reason=reasons, comment=texts)
    def somebody_decides_on_the_desk(
        self, index: int, decision: str, reason: str, comment: str
    ) -> None:
        self.begin()
        clip = self.clip(index)
        if not clip.is_visible:
            return
        # An approval needs a reason if it lifts a block.
        reason = reason if "fail" in {OF_DECISION[decision], clip.status} else ""
        is_repeated = clip.is_repeated(decision, reason, comment, by_desk=True)
        if not is_repeated:
            self.want(clip, "admin", decision, reason, comment)
        action = "block" if decision == "Blocked" else "approve"
        done = self.do(action, clip.vod_id, reason=reason, comment=comment)
        assert done is not is_repeated

    def want(self, clip: Clip, source: str, decision: str, reason: str, comment: str) -> None:
        """Expect this step to add this line to the log, once."""
        wanted = Wanted(source, decision, clip.status, reason, comment, self.operator)
        self.wanted[clip.vod_id] = [wanted]

    @rule(index=clips)
    @precondition(lambda self: any(clip.lines for clip in self.clips))
    def somebody_undoes(self, index: int) -> None:
        """Undo the last decision of the desk, as long as it was not sent to VOD."""
        self.begin()
        clip = self.clip(index)
        decision = self.undoable(clip)
        if decision is None:
            return
        assert clip.standing is not None
        assert clip.standing.pk == decision.pk, "only a person's last word can be undone"
        if self.world.clock.now() > decision.created_at + SAFE_UNDO_TIME:
            return
        self.want(clip, "admin", "Undo", "", "")
        undo_review(decision, operator=self.world.desk.operator)

    def undoable(self, clip: Clip) -> ReviewDecision | None:
        video = Video.objects.visible().filter(vod_id=clip.vod_id).first()
        return undoable_decision(video) if video is not None else None

    # The list of recommendations.

    @rule(index=clips, extras=st.booleans())
    def somebody_recommends_by_the_api(self, index: int, extras: bool) -> None:
        self.begin()
        clip = self.clip(index)
        flags = {"isNarrow": "true", "isCache": "true"} if extras else {}
        code = self.call("post", "recommendVideo", videoId=clip.vod_id, **flags)
        assert clip.is_visible or code == "404"
        self.check_recommended(clip, is_done=code == "200", extras=extras)

    @rule(index=clips, extras=st.booleans())
    def somebody_recommends_on_the_desk(self, index: int, extras: bool) -> None:
        self.begin()
        clip = self.clip(index)
        if clip.is_visible:
            fields = {"narrowband": "on", "prefetch": "on"} if extras else {}
            is_done = self.do("recommend", clip.vod_id, **fields)
            self.check_recommended(clip, is_done=is_done, extras=extras)

    def check_recommended(self, clip: Clip, *, is_done: bool, extras: bool) -> None:
        is_playable = Video.objects.playable().filter(vod_id=clip.vod_id).exists()
        if clip.is_visible and clip.status == "success" and is_playable:
            assert is_done or extras  # VOD's status may forbid the job that comes with it
        else:
            assert not is_done
        if is_done:
            self.note_place(clip)

    def note_place(self, clip: Clip) -> None:
        """Note the place of a recommended clip: a new one, or its own without a later begin."""
        place, now = clip.place, self.world.clock.now()
        if place is None or not clip.has_standing_place:
            clip.place = Place(self.step)
            return
        starts_at = place.starts_at if place.starts_at and place.starts_at <= now else None
        ends_at = place.ends_at if place.ends_at and place.ends_at > now else None
        clip.place = Place(place.step, starts_at, ends_at)

    @rule(index=clips, channel=st.sampled_from(["post", "desk"]))
    @precondition(lambda self: self.has_places)
    @at_most(2)
    def somebody_takes_off_the_list(self, index: int, channel: str) -> None:
        self.begin()
        clip = self.clip(index)
        if channel == "desk":
            item = Recommendation.objects.filter(video__vod_id=clip.vod_id).first()
            assert (item is not None) == (clip.place is not None)
            if item is None:
                return
            assert self.world.act("remove", item)
        else:
            code = self.call(channel, "deleteRecommendById", videoId=clip.vod_id)
            assert code == ("200" if clip.has_standing_place else "404")
            if code != "200":
                return
        clip.place = None

    @property
    def has_places(self) -> bool:
        return any(clip.place for clip in self.clips)

    @rule(
        index=clips,
        start=st.sampled_from([None, -100, 40]),
        length=st.sampled_from([None, 60]),
    )
    @precondition(lambda self: self.has_places)
    @at_most(3)
    def somebody_schedules(self, index: int, start: int | None, length: int | None) -> None:
        self.begin()
        clip = self.clip(index)
        if clip.place is None:
            return
        now = self.world.clock.now().replace(microsecond=0)
        starts_at = None if start is None else now + timedelta(seconds=start)
        ends_at = None if length is None else (starts_at or now) + timedelta(seconds=length)
        item = Recommendation.objects.get(video__vod_id=clip.vod_id)
        self.world.schedule(item, starts_at=starts_at, ends_at=ends_at)
        clip.place = Place(clip.place.step, starts_at, ends_at)

    # What else an operator may ask for.

    @rule(index=clips, channel=st.sampled_from(["post", "desk"]))
    @at_most(1)
    def somebody_deletes(self, index: int, channel: str) -> None:
        self.begin()
        clip = self.clip(index)
        if channel == "desk":
            if not clip.is_visible:
                return
            assert self.do("remove", clip.vod_id)
        else:
            code = self.call(channel, "deleteVideoById", videoId=clip.vod_id, userId="")
            assert code == ("200" if clip.is_known else "404")
            if code != "200":
                return
        if not clip.is_deleted:
            clip.is_deleted = clip.is_deletion_asked = True

    @rule(
        index=clips,
        kind=st.sampled_from(["submitTranscode", "submitTabTranscode"]),
        channel=st.sampled_from(["get", "post", "desk"]),
    )
    @at_most(3)
    def somebody_transcodes(self, index: int, kind: str, channel: str) -> None:
        self.begin()
        clip = self.clip(index)
        if channel == "desk":
            if clip.is_visible:
                action = "transcode" if kind == "submitTranscode" else "transcode_narrowband"
                done = self.do(action, clip.vod_id)
                assert not (done and clip.status == "fail")
            return
        code = self.call(channel, kind, mediaId=clip.vod_id)
        if not clip.is_visible:
            assert code == "404"
        elif clip.status == "fail":
            assert code == "409"
        else:
            assert code in {"200", "409"}

    @rule(position=st.integers(0, 3))
    @precondition(lambda _: Delivery.objects.given_up().exists())
    @at_most(2)
    def somebody_retries_what_was_given_up(self, position: int) -> None:
        self.begin()
        given_up = Delivery.objects.given_up().order_by("id")[position : position + 1]
        for delivery in given_up:
            try:
                outbox.retry(delivery)
            except outbox.DeliveryStateError:
                assert delivery.after_id is not None
