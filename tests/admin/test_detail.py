"""The pages of rows that nobody edits, and the way back to the filtered list."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from shortvideo.desk.options import ReadOnlyAdmin
from shortvideo.outbox.models import Delivery, DeliveryState, Lane, PeriodicTask
from shortvideo.webhooks import services as webhooks
from shortvideo.webhooks.models import Attempt, Dispatch
from tests.admin.conftest import DeskOf
from tests.factories import make_operator, make_recommendation, make_uploader, make_video

pytestmark = pytest.mark.django_db
