"""The ids of a page: by a walk along an index, by gathering, and deep pages by the counts.

A deep page. The counts per day say in which day a page begins; OFFSET skips inside that day only.

For example: page 50,000 of 20 begins after 999,980 videos. Running sums from the newest day down
say that 996,000 are newer than the 3rd of May: skip 3,980 videos of that day.
"""

from typing import Final

from videos.catalogue.query import ListQuery
from videos.catalogue.sql import VISIBLE, Sql, all_of, status_is
from videos.catalogue.totals import days, total_since

DEEP: Final = 2_000  # rows; below it OFFSET is cheaper
FAR: Final = 5_000  # rows of one uploader
_NEWEST_FIRST: Final = "ORDER BY creation_time DESC, id DESC"


def walk(condition: Sql, order: Sql) -> Sql:
    """Walk along the index of this order: of all videos, of those of a status or an uploader."""
    return "SELECT id FROM videos_video WHERE" + condition + order


def gather(condition: Sql, order: Sql) -> Sql:
    """Read all matches, then sort: PostgreSQL cannot decide to walk instead."""
    return (
        "WITH matching AS MATERIALIZED (SELECT id, creation_time FROM videos_video WHERE"
        + condition
        + ") SELECT id FROM matching"
        + order
    )


def newest(limit: int, offset: int = 0) -> Sql:
    if not offset:  # a kept plan knows no parameters: for an OFFSET it expects a tenth of all rows
        return Sql(f"{_NEWEST_FIRST} LIMIT {limit:d}")
    return Sql(f"{_NEWEST_FIRST} LIMIT %s OFFSET %s", (limit, offset))


def oldest(limit: int, offset: int) -> Sql:
    return Sql("ORDER BY creation_time, id LIMIT %s OFFSET %s", (limit, offset))


def deep_ids(query: ListQuery) -> Sql:
    """Return a SELECT of the page's ids. Filters are status and times only."""
    # `skipped` counts the rows after `end_before` too: they are not filtered away.
    start = [Sql("creation_time >= %s", (query.start_at,))] if query.start_at else []
    end = Sql("creation_time < (SELECT until FROM found)")
    return (
        "WITH found AS MATERIALIZED ("
        + _day_after(query, query.offset)
        + ") SELECT id FROM videos_video WHERE"
        + all_of([VISIBLE, *status_is(query), *start, end])
        + Sql(f"{_NEWEST_FIRST} LIMIT %s OFFSET (SELECT skipped FROM found)", (query.page_size,))
    )


def window_start(query: ListQuery, rows: int) -> Sql:
    """Return a scalar subquery: the time since which at least `rows` videos of the list were made.

    The list is that of the status and the times. `-infinity` if it has fewer rows.
    """
    return (
        "(SELECT coalesce((SELECT until - interval '1 day' FROM ("
        + _day_after(query, rows)
        + ") AS found), '-infinity'))"
    )


def _day_after(query: ListQuery, rows: int) -> Sql:
    """SELECT the day in which the list has its next row after the newest `rows`.

    `until` is its end; `skipped` says how many of the newest rows are of this day.
    """
    # The counts begin with today, the list perhaps earlier.
    shift = total_since(query, query.end_before) if query.end_before else Sql("0")
    return (
        "SELECT (date '1970-01-01' + (day + 1)::integer)::timestamp AT TIME ZONE 'UTC' AS until,"
        " before - (upto - number) AS skipped"
        " FROM (SELECT day, number, sum(number) OVER (ORDER BY day DESC) AS upto FROM ("
        + days(query)
        + Sql(") AS each_day) AS running, (SELECT %s::bigint", (rows,))
        + "+"
        + shift
        # OFFSET 0: computed once, not where it is used.
        + "AS before OFFSET 0) AS place WHERE upto > before ORDER BY day DESC LIMIT 1"
    )
