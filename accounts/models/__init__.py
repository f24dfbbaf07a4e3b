"""Operators, their console tokens, and the uploaders of clips."""

from accounts.models.operator import Operator
from accounts.models.token import ConsoleToken, ConsoleTokenQuerySet
from accounts.models.uploader import Uploader
