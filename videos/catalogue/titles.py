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


def contains(column: str, word: str) -> Sql:
    """Rows that have the word. No index offers it, and PostgreSQL expects to find it often.

    So a walk along another index is what it plans. LIKE would be expected to find nearly nothing.
    """
    return Sql(f"strpos({column}, %s) > 0", (word,))


def _as_tsquery(word: str) -> str:
    if len(word) < _GRAM:
        return f"{_quoted(word)}:*"
    grams = list(dict.fromkeys(word[start : start + _GRAM] for start in range(len(word) - 2)))
    step = -(-len(grams) // _MOST_GRAMS)
    return " & ".join(_quoted(gram) for gram in grams[::step])


def _quoted(gram: str) -> str:
    escaped = gram.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
