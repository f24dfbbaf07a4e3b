"""Exact totals from the counts that PostgreSQL keeps (`VideoCount`), as SQL."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from videos.catalogue.query import ListQuery
from videos.catalogue.sql import VISIBLE, Sql, all_of, in_time, indexed, status_is, uploader_of

_EPOCH: Final = date(1970, 1, 1).toordinal()


def total_of(query: ListQuery) -> Sql:
    """Return a scalar subquery: how many videos match the status, the times and the user id.

    Whole days come from the counts, and the rest of a range from an index. The videos of one
    uploader in a range are counted.
    """
    if query.user_id and query.has_times:
        return _count(all_of(indexed(query)))
    if query.user_id:
        return _sum(query, Sql("kind = 2 AND key =") + uploader_of(query))
    if query.has_times:
        return _total_in_range(query)
    return _sum(query, Sql("kind = 0 AND key = 0"))


def total_of_uploaders(query: ListQuery, uploaders: Sql) -> Sql:
    """Likewise for the uploaders that a subquery or an array names, without times."""
    return _sum(query, "kind = 2 AND key" + uploaders)


def total_since(query: ListQuery, moment: datetime) -> Sql:
    """Likewise for the videos of the status, created at or after the moment."""
    day, start = _next_midnight(moment)
    edge = _count(all_of([VISIBLE, *status_is(query), _created_in(moment, start)]))
    return "(" + _sum(query, Sql("kind = 1 AND key >= %s", (day,))) + "+" + edge + ")"


def days(query: ListQuery) -> Sql:
    """Return a SELECT of `day` and `number`: the videos of the status per UTC day."""
    return (
        "SELECT key AS day, sum(number)::bigint AS number FROM videos_videocount WHERE"
        + all_of([Sql("kind = 1 AND is_visible"), *status_is(query)])
        + "GROUP BY key"
    )


def _total_in_range(query: ListQuery) -> Sql:
    start, end = query.start_at, query.end_before
    first_day, first = _next_midnight(start) if start else (None, None)
    last_day, last = _last_midnight(end) if end else (None, None)
    if first_day is not None and last_day is not None and first_day >= last_day:
        # No whole day: the two edges would overlap, and count some videos twice.
        return _count(all_of([VISIBLE, *status_is(query), *in_time(query)]))
    bounds, parts = [Sql("kind = 1")], []
    if start and first:
        bounds.append(Sql("key >= %s", (first_day,)))
        parts.append(_created_in(start, first))
    if end and last:
        bounds.append(Sql("key < %s", (last_day,)))
        parts.append(_created_in(last, end))
    total = _sum(query, all_of(bounds))
    for part in parts:
        total = total + "+" + _count(all_of([VISIBLE, *status_is(query), part]))
    return "(" + total + ")"


def _created_in(start: datetime, end: datetime) -> Sql:
    return Sql("creation_time >= %s AND creation_time < %s", (start, end))


def _last_midnight(moment: datetime) -> tuple[int, datetime]:
    """The last start of a UTC day that is not after the moment: its number and its time."""
    day = moment.astimezone(UTC).date()
    return day.toordinal() - _EPOCH, datetime(day.year, day.month, day.day, tzinfo=UTC)


def _next_midnight(moment: datetime) -> tuple[int, datetime]:
    """Likewise the first one that is not before the moment."""
    return _last_midnight(moment + timedelta(days=1, microseconds=-1))


def _count(condition: Sql) -> Sql:
    return "(SELECT count(*) FROM videos_video WHERE" + condition + ")"


def _sum(query: ListQuery, condition: Sql) -> Sql:
    counts = all_of([condition, Sql("is_visible"), *status_is(query)])
    return "(SELECT coalesce(sum(number), 0)::bigint FROM videos_videocount WHERE" + counts + ")"
