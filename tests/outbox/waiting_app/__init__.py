"""An app for worker processes: deliveries of one kind wait for the test, the others do not."""
