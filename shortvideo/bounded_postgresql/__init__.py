"""Database backend: PostgreSQL where a silent server holds no thread for ever."""
