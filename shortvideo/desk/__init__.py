"""Common parts of the desk (Django's admin). Imports no app."""
