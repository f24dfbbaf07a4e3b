"""The recommended list: what the app's users are shown first."""
