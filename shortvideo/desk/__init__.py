"""What all pages of the desk (Django's admin) share; it knows no model of any app."""
