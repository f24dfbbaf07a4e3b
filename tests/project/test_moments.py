"""Moments, seconds and numbers at the ends of their types."""

import io
from argparse import ArgumentTypeError
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone as django_timezone

from shortvideo.cloud.cleaning import parse_moment as parse_cloud_moment
from shortvideo.cloud.gateway import format_time
from shortvideo.moments import end_of_day, parse_seconds, start_of_day, within_range
from tests.support.localvod import LocalVod
from tests.videos.conftest import cloud
from videos.management.commands.sync_videos import parse_moment
from videos.models import SyncRun

__all__ = ["cloud"]

ENDS = [
    datetime.min.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC),
    datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    datetime.max.replace(tzinfo=timezone(-timedelta(hours=12))),
]


@pytest.mark.parametrize("moment", ENDS)
def test_every_moment_has_a_place_in_every_time_zone(moment: datetime) -> None:
    limited = within_range(moment)
    assert limited.tzinfo is UTC
    for hours in (-12, 14):
        limited.astimezone(timezone(timedelta(hours=hours)))


def test_other_moments_stay_the_same() -> None:
    moment = datetime(2026, 1, 31, 8, tzinfo=timezone(timedelta(hours=8)))
    assert within_range(moment) == moment


@pytest.mark.parametrize("day", [date.min, date.max, date(2026, 1, 31)])
def test_every_day_has_a_start_and_an_end(day: date) -> None:
    assert start_of_day(day) <= end_of_day(day)


@pytest.mark.parametrize(
    "text", ["0001-01-01", "9999-12-31", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"]
)
def test_commands_take_the_ends_of_the_calendar(text: str) -> None:
    django_timezone.localtime(parse_moment(text))
    assert parse_cloud_moment(f"{text[:10]}T00:00:00Z") is None


def test_a_year_has_four_digits_for_vod() -> None:
    assert format_time(within_range(ENDS[0])) == "0002-01-01T00:00:00Z"


@pytest.mark.parametrize("text", ["nan", "inf", "1e400", "-1", "1e12", "soon", ""])
def test_a_number_of_seconds_is_within_a_hundred_years(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not a number of seconds"):
        parse_seconds(text)


def test_a_sync_since_the_first_day_reads_everything(cloud: LocalVod, db: None) -> None:
    cloud.seed()
    out = io.StringIO()
    call_command("sync_videos", "--since=0001-01-01", stdout=out, stderr=io.StringIO())
    assert out.getvalue().startswith("1 seen, 1 new")
    assert SyncRun.objects.count() == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay_events", "--since=9999-12-31"),
        ("replay_events", "--until=0001-01-01T00:00:00+14:00"),
        ("prune_log", "--before=0001-01-01"),
    ],
)
def test_commands_find_nothing_beyond_the_calendar(db: None, arguments: tuple[str, ...]) -> None:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    assert out.getvalue().startswith("0 ")


def test_a_log_is_not_pruned_to_the_last_day(db: None) -> None:
    with pytest.raises(CommandError):
        call_command("prune_log", "--before=9999-12-31")


@pytest.mark.parametrize("key", ["9" * 20, "-1", "0x1"])
def test_an_event_has_a_number_of_64_bits(db: None, key: str) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError, match="is not an event's number"):
        call_command("replay_events", f"--id={key}", stdout=out)
