"""The state of the server: one SQLite file with one writer, and a reader per thread."""

from localvod.store.database import CommitFlag, Database, Row, StateError
