"""Small named values that outlive the process, such as the callback configuration."""

import json
import sqlite3
from typing import Any


def load_note(connection: sqlite3.Connection, name: str, default: Any = None) -> Any:
    """The JSON value of a note, or `default`."""
    row = connection.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
    return default if row is None else json.loads(row["value"])


def save_note(tx: sqlite3.Connection, name: str, value: Any) -> None:
    """Save a JSON value; it replaces an earlier one."""
    tx.execute(
        "INSERT INTO notes VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, json.dumps(value)),
    )
