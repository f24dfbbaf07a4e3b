"""What an operator chose for the review page."""

from typing import Any

from accounts.models import Operator
from videos.models import ReviewPreferences


def review_preferences(operator: Operator) -> ReviewPreferences:
    """The operator's choices; the defaults, not stored, if there are none yet."""
    found = ReviewPreferences.objects.filter(operator=operator).first()
    return found or ReviewPreferences(operator=operator)


def choose_for_review(operator: Operator, **values: Any) -> None:
    """Store some of the choices; the others stay as they are."""
    ReviewPreferences.objects.update_or_create(operator=operator, defaults=values)
