"""Deciders with old pages: at the desk no decision replaces one that its decider has not seen."""

import os
from collections.abc import Callable
from contextlib import suppress
from html import unescape
from typing import Any, Final

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from shortvideo.errors import InvalidState
from tests.admin.conftest import Desk, seen_in
from tests.factories import make_operator, make_video
from tests.support.console import Console
from videos.models import (
    CensorStatus,
    Decision,
    MachineReview,
    ReviewDecision,
    ReviewTask,
    Source,
    TaskCause,
    Video,
)
from videos.services import DecisionInput, review_video, undoable_decision
from videos.services.machine_review import decide_by_machine_review
from videos.services.task import open_task

PROFILE = settings(
    max_examples=100 if os.environ.get("PROPERTIES") == "long" else 25,
    derandomize=True,
    database=None,
    deadline=None,  # a shared machine may be busy
    suppress_health_check=[HealthCheck.too_slow],
)
OF_ACTION: Final = {"approve": Decision.NORMAL, "block": Decision.BLOCKED}
LIST: Final = "admin:videos_video_changelist"

deciders = st.integers(0, 1)
clips = st.integers(0, 1)
actions = st.sampled_from(["approve", "block"])
statuses = st.sampled_from(["", *CensorStatus.values])
STEPS = st.one_of(
    st.tuples(st.just("open"), deciders, clips),
    st.tuples(st.just("open_list"), deciders),
    st.tuples(st.just("preview"), deciders, actions),
    st.tuples(st.just("decide"), deciders, st.lists(clips, min_size=1, unique=True), actions),
    st.tuples(st.just("call"), clips, actions, statuses),
    st.tuples(st.just("undo"), deciders, clips),
    st.tuples(st.just("elsewhere"), clips, actions, st.sampled_from([Source.VOD, Source.MACHINE])),
    st.tuples(st.just("upload"), clips),
    st.tuples(st.just("verdict"), clips, st.sampled_from(MachineReview.Suggestion.values)),
    st.tuples(st.just("recheck"), clips),
)


class Decider:
    """An operator at the desk with a page that may be old."""

    def __init__(self) -> None:
        operator, client = make_operator("moderator"), Client()
        client.force_login(operator, django_settings.AUTHENTICATION_BACKENDS[-1])
        self.desk = Desk(client, operator)
        self.sent: list[str] = []  # what the page sends
        self.knows: dict[int, Any] = {}  # what the page showed, by video


def review_of(video: Video) -> tuple[int, int]:
    """The version of the source and the latest decision in force about it (0: none)."""
    version = Video.objects.get(pk=video.pk).source_version
    undone = ReviewDecision.objects.filter(undoes__isnull=False).values("undoes")
    lines = video.decisions.filter(source_version=version, undoes=None).exclude(pk__in=undone)
    return version, max(lines.values_list("pk", flat=True), default=0)


def reasons_of(video: Video) -> Any:
    """What else a decider sees: the machine's verdict about the source, and the reasons to look."""
    version = Video.objects.get(pk=video.pk).source_version
    verdicts = MachineReview.objects.filter(video=video, source_version=version)
    verdict = list(verdicts.values_list("suggestion", "labels", "received_at"))
    return verdict, set(ReviewTask.objects.filter(video=video).values_list("pk", flat=True))


class Desks:
    """The deciders, the API and the clips of one example."""

    def __init__(self, deciders: list[Decider], console: Console) -> None:
        self.deciders, self.console = deciders, console
        self.videos = [make_video(censor_status="check", status="Checking") for _ in range(2)]

    def look(self, decider: Decider, response: Any, *videos: Video) -> None:
        decider.sent = seen_in(response)
        shown = {each.partition(":")[0] for each in " ".join(decider.sent).split()}
        decider.knows = {
            video.pk: (review_of(video), reasons_of(video))
            for video in videos
            if str(video.pk) in shown
        }

    def open(self, who: int, index: int) -> None:
        decider, video = self.deciders[who], self.videos[index]
        url = reverse("admin:videos_video_change", args=[video.pk])
        self.look(decider, decider.desk.client.get(url), video)

    def open_list(self, who: int) -> None:
        decider = self.deciders[who]
        self.look(decider, decider.desk.client.get(reverse(LIST)), *self.videos)

    def preview(self, who: int, action: str) -> None:
        decider = self.deciders[who]
        self.look(decider, decider.desk.choose(action, *self.videos), *self.videos)

    def decide(self, who: int, indexes: list[int], action: str) -> None:
        decider, videos = self.deciders[who], [self.videos[index] for index in indexes]
        before = {video.pk: review_of(video) for video in videos}
        reasons = {video.pk: reasons_of(video) for video in videos}
        response = decider.desk.choose(
            action, *videos, confirmed="1", seen=decider.sent, reason="seen", comment=action
        )
        text = unescape(response.content.decode())
        asked = response.status_code == 200
        for video in videos:
            has_seen = decider.knows.get(video.pk) == (before[video.pk], reasons[video.pk])
            if review_of(video) != before[video.pk]:
                assert has_seen, "it replaced a decision that its decider has not seen"
            elif asked and not has_seen:
                self.check_named(video, text)
            else:
                latest = ReviewDecision.objects.get(pk=before[video.pk][1])
                assert latest.decision == OF_ACTION[action], "a page that is not old is not asked"
        if asked:
            self.look(decider, response, *videos)

    def check_named(self, video: Video, text: str) -> None:
        latest = ReviewDecision.objects.filter(pk=review_of(video)[1]).first()
        if latest is None:
            assert "Nobody has decided about this file" in text
        else:
            assert str(latest.operator or latest.auditor or "AI review") in text
            assert not latest.reason or latest.reason in text

    def call(self, index: int, action: str, status: str) -> None:
        video = Video.objects.get(pk=self.videos[index].pk)
        version, latest = review_of(video)
        own = ReviewDecision.objects.filter(pk=latest, operator=self.console.operator).first()
        is_repeated = own is not None and own.decision == OF_ACTION[action]
        answer = self.console.post(
            "createAudit",
            mediaId=video.vod_id,
            status=OF_ACTION[action],
            reason="called",
            ifCensorStatus=status,
        )
        is_refused = bool(status) and status != video.censor_status and not is_repeated
        assert answer["code"] == ("409" if is_refused else "200"), answer
        if is_refused or is_repeated:
            assert review_of(video) == (version, latest)

    def undo(self, who: int, index: int) -> None:
        decision = undoable_decision(self.videos[index])
        if decision is not None:
            client = self.deciders[who].desk.client
            client.post(reverse("admin:videos_video_undo"), {"decisions": decision.pk})

    def elsewhere(self, index: int, action: str, source: Source) -> None:
        auditor = "Wang" if source == Source.VOD else ""
        new = DecisionInput(OF_ACTION[action], source, auditor=auditor, reason="elsewhere")
        with suppress(InvalidState):  # a person has decided: the machine may not
            review_video(Video.objects.get(pk=self.videos[index].pk), new)

    def verdict(self, index: int, suggestion: str) -> None:
        video = Video.objects.get(pk=self.videos[index].pk)
        review, _ = MachineReview.objects.update_or_create(
            video=video,
            source_version=video.source_version,
            defaults={"suggestion": suggestion, "received_at": timezone.now()},
        )
        decide_by_machine_review(video, review)

    def recheck(self, index: int) -> None:
        open_task(self.videos[index], TaskCause.RECHECK)

    def upload(self, index: int) -> None:
        video = Video.objects.get(pk=self.videos[index].pk)
        Video.objects.filter(pk=video.pk).update(
            source_version=video.source_version + 1, censor_status=CensorStatus.CHECK
        )


@pytest.mark.django_db
def test_no_unseen_decision_is_ever_replaced(settings: Settings) -> None:
    settings.REVIEW_UNDO_SECONDS = 3600
    deciders, console = [Decider(), Decider()], Console(make_operator("moderator"))

    @PROFILE
    @given(st.lists(STEPS, min_size=4, max_size=14))
    def decide_with_old_pages(steps: list[Any]) -> None:
        with transaction.atomic():
            desks = Desks(deciders, console)
            for decider in deciders:
                decider.sent, decider.knows = [], {}
            for name, *values in steps:
                step: Callable[..., None] = getattr(desks, name)
                step(*values)
            transaction.set_rollback(True)

    decide_with_old_pages()
