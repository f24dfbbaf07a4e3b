"""Operators and their roles, console tokens, and the uploaders of clips."""
