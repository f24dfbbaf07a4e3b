from tests.console.conftest import console, forget_misses

__all__ = ["console", "forget_misses"]
