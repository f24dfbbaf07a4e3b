"""Words in texts, by an index of `videos_grams(column)`: the three characters from each place on.

"noodles" has noo, ood, odl, dle, les, es, s. So the index finds a word of one or two characters as
the beginning of grams, and a longer one by all its grams. It compares characters only: it
needs no extension and knows no locale. (pg_trgm reads its whole index for a short word, and in a
database of locale C it ignores Chinese.)

Texts and words are folded (`shortvideo.text.folded`).
"""

from typing import Final

from videos.catalogue.sql import Sql

_GRAM: Final = 3
_MOST_GRAMS: Final = 12  # more do not find fewer rows, and each is read


def matches(column: str, word: str) -> Sql:
    """Rows that have the word, through the index."""
    return Sql(f"videos_grams({column}) @@ %s::tsquery AND", (_as_tsquery(word),)) + contains(
        column, word
    )


def share_of_titles(word: str) -> float:
    """The share of titles that may have the word, by the statistics of ANALYZE; 0 if it is small.

    It is that of its rarest gram. PostgreSQL multiplies the shares of all grams instead, and takes
    a common word for a rare one.
    """
    grams = _grams(word)
    found = Sql(
        "SELECT coalesce(min(share), 0) FROM (SELECT coalesce(sum(frequency), 0) AS share"
        " FROM unnest(%s::text[]) AS gram LEFT JOIN (pg_stats CROSS JOIN LATERAL"
        " unnest(most_common_elems::text::text[], most_common_elem_freqs) AS elements"
        " (element, frequency)) ON starts_with(element, gram)"
        " AND tablename = 'video_title_grams' AND schemaname = current_schema()"
        " GROUP BY gram) AS shares",
        (grams,),
    )
    ((share,),) = found.fetch()
    return float(share)


def contains(column: str, word: str) -> Sql:
    """Rows that have the word. No index offers it, and PostgreSQL expects to find it often.

    So a walk along another index is what it plans. LIKE would be expected to find nearly nothing.
    """
    return Sql(f"strpos({column}, %s) > 0", (word,))


def _as_tsquery(word: str) -> str:
    if len(word) < _GRAM:
        return f"{_quoted(word)}:*"
    return " & ".join(_quoted(gram) for gram in _grams(word))


def _grams(word: str) -> list[str]:
    """At most `_MOST_GRAMS` of the word, spread over it; a shorter word itself."""
    starts = range(max(1, len(word) - _GRAM + 1))
    grams = list(dict.fromkeys(word[start : start + _GRAM] for start in starts))
    return grams[:: -(-len(grams) // _MOST_GRAMS)]


def _quoted(gram: str) -> str:
    escaped = gram.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
