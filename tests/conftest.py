"""What every test may use."""

pytest_plugins: list[str] = ["tests.fixtures_localvod"]
