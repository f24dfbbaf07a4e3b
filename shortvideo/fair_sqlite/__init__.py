"""A database backend: SQLite whose transactions wait for the write lock without long sleeps."""
