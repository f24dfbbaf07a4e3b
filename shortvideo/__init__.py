"""The project package: settings, URLs, and what every app shares."""
