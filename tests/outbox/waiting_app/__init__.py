"""An app for real worker processes: its kind of delivery waits until the test lets it go."""
