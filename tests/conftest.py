"""What every test may use."""

pytest_plugins: list[str] = [
    "tests.fixtures_append_only",
    "tests.fixtures_browser",
    "tests.fixtures_evidence",
    "tests.fixtures_localvod",
]
