"""What `run.py` does: standard library only, for it runs before anything is installed."""
