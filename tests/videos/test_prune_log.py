"""`prune_log` removes old decisions from the log, and logs each run as LogPruning."""

import getpass
import io
import threading
from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.outbox.models import Delivery, DeliveryState
from tests.factories import make_video
from tests.outbox.support import LONGEST_WAIT_SECONDS
from tests.support.localvod import wait_until
from tests.support.locks import watching_waiters
from tests.videos.support import after, audit, make_facts, video_of
from videos import mirror
from videos.mirror import Reading
from videos.mirror.history import is_history_needed
from videos.models import (
    CensorStatus,
    Decision,
    Evidence,
    LogPruning,
    ReviewDecision,
    Source,
    Takedown,
    Video,
    append_only,
)
from videos.services import DecisionInput, latest_human_decision, pruning, review_video, undo_review

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = timezone.now() - timedelta(days=1000)
BEFORE = (timezone.localtime() - timedelta(days=400)).strftime("%Y-%m-%d")


def decide(video: Video, decision: Decision, source: Source = Source.API) -> ReviewDecision:
    return review_video(video, DecisionInput(decision, source, reason="r"))


def make_decided_video(*decisions: Decision, **values: object) -> Video:
    """Make a video with these decisions, made and delivered long ago."""
    video = make_video(censor_status=CensorStatus.CHECK, **values)  # type: ignore[arg-type]  # a mix
    for decision in decisions:
        decide(video, decision)
    make_old()
    return video


def make_old() -> None:
    with append_only.suspended():
        ReviewDecision.objects.update(created_at=LONG_AGO)
    Delivery.objects.update(state=DeliveryState.DONE, finished_at=LONG_AGO)
    Takedown.objects.filter(state=Takedown.State.UNDER_WAY).update(state=Takedown.State.VERIFIED)


def prune(*arguments: str, before: str = BEFORE) -> str:
    out = io.StringIO()
    call_command("prune_log", f"--before={before}", *arguments, stdout=out)
    return out.getvalue()


def left(video: Video) -> list[str]:
    return list(video.decisions.order_by("id").values_list("decision", flat=True))


def test_overruled_decisions_are_removed_and_the_run_is_logged() -> None:
    video = make_decided_video(Decision.BLOCKED, Decision.NORMAL, Decision.BLOCKED, Decision.NORMAL)
    ids = sorted(video.decisions.values_list("id", flat=True))
    assert "3 of 4 older decisions were removed." in prune()
    assert left(video) == [Decision.NORMAL]
    row = LogPruning.objects.get()
    assert (row.decision_count, row.first_id, row.last_id) == (3, ids[0], ids[2])
    assert row.run_by == getpass.getuser()
    assert timezone.localtime(row.before).strftime("%Y-%m-%d") == BEFORE
    assert latest_human_decision(video) == video.decisions.get()


def test_a_second_run_finds_nothing_and_logs_nothing() -> None:
    make_decided_video(Decision.BLOCKED, Decision.NORMAL)
    prune()
    assert "0 of 1 older decisions were removed." in prune()
    assert LogPruning.objects.count() == 1


def test_a_dry_run_counts_and_removes_nothing() -> None:
    video = make_decided_video(Decision.BLOCKED, Decision.NORMAL)
    assert "1 of 2 older decisions would be removed." in prune("--dry-run")
    assert len(left(video)) == 2
    assert not LogPruning.objects.exists()


def test_decisions_younger_than_the_date_stay() -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    decide(video, Decision.BLOCKED)
    decide(video, Decision.NORMAL)
    assert "0 of 0 older decisions were removed." in prune()
    assert len(left(video)) == 2


def test_the_last_human_decision_stays_below_a_machines() -> None:
    video = make_decided_video(Decision.BLOCKED, Decision.NORMAL)
    with append_only.suspended():
        first = video.decisions.earliest("id")
        ReviewDecision.objects.exclude(pk=first.pk).update(source=Source.MACHINE)
    prune()
    assert left(video) == [Decision.BLOCKED, Decision.NORMAL]


def test_decisions_stay_while_the_videos_evidence_is_kept() -> None:
    video = make_decided_video(Decision.BLOCKED, Decision.NORMAL)
    evidence = Evidence.objects.create(video=video, source_version=1, facts={"title": "Clip"})
    prune()
    assert len(left(video)) == 2
    Evidence.objects.filter(pk=evidence.pk).update(removed_at=timezone.now())
    prune()
    assert left(video) == [Decision.NORMAL]


@pytest.mark.parametrize("state", [DeliveryState.WAITING, DeliveryState.GIVEN_UP])
def test_an_unsent_decision_stays(state: DeliveryState) -> None:
    video = make_decided_video(Decision.BLOCKED, Decision.NORMAL)
    first = video.decisions.earliest("id")
    ended = None if state == DeliveryState.WAITING else timezone.now()
    Delivery.objects.filter(review_decision=first).update(state=state, finished_at=ended)
    prune()
    assert len(left(video)) == 2


def test_a_decision_that_is_being_sent_again_stays() -> None:
    video = make_decided_video(Decision.BLOCKED, Decision.NORMAL)
    Delivery.objects.create(
        kind="create_audit",
        subject=video.vod_id,
        payload={"decision": video.decisions.earliest("id").pk},
        due_at=timezone.now(),
    )
    prune()
    assert len(left(video)) == 2


def test_takedowns_stay_without_their_decision() -> None:
    video = make_decided_video(Decision.BLOCKED, Decision.NORMAL)
    prune()
    takedown = Takedown.objects.get(video=video)
    assert takedown.decision is None


def test_an_undone_decision_is_removed_with_its_undo_line(settings: Settings) -> None:
    settings.REVIEW_UNDO_SECONDS = 3600
    video = make_video(censor_status=CensorStatus.CHECK)
    decide(video, Decision.NORMAL)
    undo_review(decide(video, Decision.BLOCKED, Source.ADMIN))
    make_old()
    assert "2 of 3 older decisions would be removed." in prune("--dry-run")
    assert "2 of 3 older decisions were removed." in prune()
    assert left(video) == [Decision.NORMAL]


def test_an_undone_decision_stays_as_long_as_its_undo_line(settings: Settings) -> None:
    settings.REVIEW_UNDO_SECONDS = 3600
    video = make_video(censor_status=CensorStatus.CHECK)
    undo_review(decide(video, Decision.BLOCKED, Source.ADMIN))
    make_old()
    with append_only.suspended():
        an_hour_ago = timezone.now() - timedelta(hours=2)
        ReviewDecision.objects.filter(decision=Decision.UNDO).update(created_at=an_hour_ago)
    prune()
    assert left(video) == [Decision.BLOCKED, Decision.UNDO]


def test_an_old_decision_below_an_undoable_one_stays() -> None:
    video = make_decided_video(Decision.BLOCKED)
    decide(video, Decision.NORMAL, Source.ADMIN)
    prune()
    assert left(video) == [Decision.BLOCKED, Decision.NORMAL]


def test_more_than_a_batch_is_removed_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 2)
    video = make_decided_video(*[Decision.BLOCKED, Decision.NORMAL] * 3)
    assert "5 of 6" in prune()
    assert [row.decision_count for row in LogPruning.objects.order_by("id")] == [2, 2, 1]
    assert len(left(video)) == 1


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ("yesterday", "'yesterday' is not a date; write it as YYYY-MM-DD"),
        (timezone.localtime().strftime("%Y-%m-%d"), "kept for 180 days"),
    ],
)
def test_an_invalid_or_too_recent_date_is_refused(before: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        prune(before=before)


def test_the_log_is_guarded_after_a_run_and_after_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    video = make_decided_video(Decision.BLOCKED, Decision.NORMAL)

    def broken(**_: object) -> None:
        raise RuntimeError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(LogPruning.objects, "create", broken)
        with pytest.raises(RuntimeError, match="disk is full"):
            prune()
    assert len(left(video)) == 2
    for _ in range(2):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            ReviewDecision.objects.update(reason="none")
        prune()


def test_no_other_connection_ever_finds_the_log_unguarded() -> None:
    """The other connection waits for the end of the transaction and is then refused."""
    make_decided_video(Decision.BLOCKED, Decision.NORMAL)
    answers: list[str] = []

    def tamper() -> None:
        try:
            with transaction.atomic():
                ReviewDecision.objects.update(reason="none")
            answers.append("changed")
        except DatabaseError as error:
            answers.append(str(error))
        finally:
            connections.close_all()

    other = threading.Thread(target=tamper)
    with transaction.atomic(), append_only.suspended():
        other.start()
        with watching_waiters() as is_waited_for:
            wait_until(is_waited_for)
        assert other.is_alive()
    other.join(LONGEST_WAIT_SECONDS)
    assert len(answers) == 1
    assert "append-only" in answers[0]


def test_pruning_gives_way_to_a_reader_and_tries_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise every later use of the log would wait behind the command's lock."""
    if connection.vendor != "postgresql":
        pytest.skip("On SQLite a reader does not block the command.")
    make_decided_video(Decision.BLOCKED, Decision.NORMAL)
    reading, is_over, aside = threading.Event(), threading.Event(), 0

    def read() -> None:
        try:
            with transaction.atomic():
                ReviewDecision.objects.count()
                reading.set()
                is_over.wait(LONGEST_WAIT_SECONDS)
        finally:
            connections.close_all()

    def step_aside() -> None:
        nonlocal aside
        aside += 1
        if aside == 3:
            is_over.set()
            reader.join()

    monkeypatch.setattr(pruning, "_wait_for_readers", step_aside)
    reader = threading.Thread(target=read)
    reader.start()
    assert reading.wait(LONGEST_WAIT_SECONDS)
    assert "1 of 2 older decisions were removed." in prune()
    assert aside == 3


def test_the_mark_of_a_removed_decision_is_still_known() -> None:
    """Otherwise it would count as a decision made in VOD's console."""
    told = Reading(make_facts(status="Blocked"), source_uploaded_at=after(10))
    mirror.apply(told)
    video = video_of(told.facts)
    first = decide(video, Decision.BLOCKED, Source.MACHINE)
    decide(video, Decision.NORMAL, Source.MACHINE)
    decide(video, Decision.BLOCKED, Source.MACHINE)
    make_old()
    prune()
    assert left(video) == [Decision.BLOCKED]
    assert not ReviewDecision.objects.filter(pk=first.pk).exists()
    entry = audit("Blocked", moment(0), comment=f"#{first.pk}")
    mirror.apply(Reading(told.facts, audits=(entry,)))
    assert left(video) == [Decision.BLOCKED]
    video.refresh_from_db()
    assert not is_history_needed(video, told.facts)


def moment(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)
