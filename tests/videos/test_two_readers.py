"""Two processes read the same new video at once: it is new once."""

import threading

import pytest
from django.db import connections, transaction
from pytest_django import Settings

from shortvideo.outbox.models import Delivery
from tests.outbox.support import LONGEST_WAIT_SECONDS
from tests.support.localvod import wait_until
from tests.support.locks import watching_waiters
from tests.videos.support import make_facts
from videos import mirror
from videos.mirror import Applied
from videos.models import Video

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_video_that_two_processes_insert_is_new_to_one(settings: Settings) -> None:
    settings.MACHINE_REVIEW = "submit"
    other_clip = make_facts()
    mirror.apply(other_clip)  # its uploader exists, so that row is not waited for
    facts = make_facts()
    counted: list[Applied] = []

    def other() -> None:
        try:
            counted.append(mirror.apply(facts))
        finally:
            connections.close_all()

    thread = threading.Thread(target=other)
    with watching_waiters() as is_waited_for, transaction.atomic():
        counted.append(mirror.apply(facts))
        thread.start()
        wait_until(lambda: not thread.is_alive() or is_waited_for())
    thread.join(LONGEST_WAIT_SECONDS)
    assert [(each.new, each.unchanged) for each in counted] == [(1, 0), (0, 1)]
    assert Video.objects.filter(vod_id=facts.vod_id).count() == 1
    assert Delivery.objects.filter(kind="submit_machine_review", subject=facts.vod_id).count() == 1
