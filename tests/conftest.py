"""What every test may use."""

pytest_plugins: list[str] = [
    "tests.fixtures_flush",
    "tests.fixtures_browser",
    "tests.fixtures_counts",
    "tests.fixtures_databases",
    "tests.fixtures_demo",
    "tests.fixtures_evidence",
    "tests.fixtures_localvod",
    "tests.fixtures_logging",
    "tests.fixtures_time",
]
