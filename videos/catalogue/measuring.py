"""Lists whose plan depends on how many rows match: words, names, changes, and walks by id.

Few matches are gathered through an index and sorted. Many are met soon on a walk along the list.
But all may be old: so the total comes with the number of matches among the newest rows.
"""

from collections.abc import Callable
from typing import Final

from shortvideo.text import folded
from videos.catalogue import seek, titles
from videos.catalogue.query import ListQuery
from videos.catalogue.sql import (
    VISIBLE,
    Sql,
    all_of,
    changed_since,
    in_time,
    indexed,
    status_is,
    value_of,
)
from videos.catalogue.totals import total_of, total_of_uploaders

_FILTERED: Final = 2_000  # rows of the other filters, each of which is compared with the word
_GATHERED: Final = 5_000  # matches, read and sorted in some 10 ms
_GATHERED_BY_ID: Final = 200_000  # nothing says where in the order of ids they are
_WALKED: Final = 500_000  # rows at most
_MERGED: Final = 1_000  # uploaders with a name, whose newest videos are merged


def measure(query: ListQuery) -> tuple[int, Sql]:
    """Return the total, and a SELECT of the page's ids; after a cursor of one row more."""
    named = _uploaders_named(query) if query.user_name else None
    others = [*indexed(query), *_has_name(query, named), *changed_since(query)]
    on_walk = [*others, *_has_word(query)]
    is_by_word = query.title and _is_found_by_word(query, named)
    through_index = [*others, *_has_word(query, titles.matches)] if is_by_word else on_walk

    if query.title or query.updated_since or (query.user_name and query.has_times):
        total, near = _count_with_near(query, all_of(through_index))
    else:
        total = near = value_of(_counted(query, named))

    if query.cursor is not None:
        ids = _step(query, on_walk if total > _GATHERED_BY_ID else through_index, total)
    elif named is not None and not (query.title or query.updated_since or query.user_id):
        ids = _merge(query, named)
    elif total > _GATHERED and near >= query.offset + query.page_size:
        ids = seek.walk(all_of(on_walk), _page(query))
    else:
        ids = seek.gather(all_of(through_index), _page(query))
    return total, ids


def _has_word(query: ListQuery, how: Callable[[str, str], Sql] = titles.contains) -> list[Sql]:
    return [how("title_search", folded(query.title))] if query.title else []


def _is_found_by_word(query: ListQuery, named: list[int] | None) -> bool:
    """Whether the word's index finds fewer rows than the other filters do, or nearly as few."""
    others = value_of(_counted(query, named))
    if others <= _FILTERED:
        return False
    every = value_of(total_of(ListQuery()))
    return others == every or titles.share_of_titles(folded(query.title)) * every < others


def _counted(query: ListQuery, named: list[int] | None) -> Sql:
    """The total by the counts. Ignores title and changes, and of names and times the names."""
    if query.user_name and not query.has_times:
        return total_of_uploaders(query, _of_uploaders(query, named))
    return total_of(query)


def _count_with_near(query: ListQuery, condition: Sql) -> tuple[int, int]:
    """Count the matches, and those among the newest `_WALKED` videos of the status and times."""
    near = "creation_time >=" + seek.window_start(query, _WALKED)
    counts = "SELECT count(*), count(*) FILTER (WHERE" + near + ") FROM videos_video WHERE"
    ((total, number_near),) = (counts + condition).fetch()
    return total, number_near


def _uploaders_named(query: ListQuery) -> list[int] | None:
    """The ids of the uploaders whose name has the text; None if there are many."""
    conditions = [titles.matches("name_search", folded(query.user_name))]
    if query.user_id:
        conditions.append(Sql("user_id = %s", (query.user_id,)))
    found = "SELECT id FROM accounts_uploader WHERE" + all_of(conditions)
    ids = [id_ for (id_,) in (found + Sql("LIMIT %s", (_MERGED + 1,))).fetch()]
    return ids if len(ids) <= _MERGED else None


def _has_name(query: ListQuery, named: list[int] | None) -> list[Sql]:
    return ["uploader_id" + _of_uploaders(query, named)] if query.user_name else []


def _of_uploaders(query: ListQuery, named: list[int] | None) -> Sql:
    if named is not None:
        return Sql("= ANY(%s::bigint[])", (named,))
    has_name = titles.contains("name_search", folded(query.user_name))
    return "IN (SELECT id FROM accounts_uploader WHERE" + has_name + ")"


def _merge(query: ListQuery, named: list[int]) -> Sql:
    """Read the newest videos of each uploader, as many as the page may need."""
    uploader = Sql("uploader_id = named.id")
    condition = all_of([VISIBLE, uploader, *status_is(query), *in_time(query)])
    return (
        Sql("SELECT newest.id FROM unnest(%s::bigint[]) AS named (id), LATERAL (", (named,))
        + "SELECT id, creation_time FROM videos_video WHERE"
        + condition
        + seek.newest(query.offset + query.page_size)
        + ") AS newest"
        + _page(query)
    )


def _page(query: ListQuery) -> Sql:
    return seek.newest(query.page_size, query.offset)


def _step(query: ListQuery, conditions: list[Sql], total: int) -> Sql:
    condition = all_of([*conditions, Sql("id > %s", (query.cursor,))])
    order = Sql("ORDER BY id LIMIT %s", (query.page_size + 1,))
    return (seek.walk if total > _GATHERED_BY_ID else seek.gather)(condition, order)
