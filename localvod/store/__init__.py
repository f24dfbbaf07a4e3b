"""What the server remembers: one SQLite file, one writer, as many readers as threads."""

from localvod.store.database import Database, Row, StateError

__all__ = ["Database", "Row", "StateError"]
