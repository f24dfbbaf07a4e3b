"""Database backend: SQLite where a transaction retries often while it waits for the write lock."""
