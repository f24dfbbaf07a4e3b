"""An app for real worker processes: one kind waits until the test lets it go, one does not."""
