"""A CDN task ends as superseded if its call is no longer needed."""

import pytest

from shortvideo.outbox.models import DeliveryState
from tests.factories import make_video
from videos.models import CdnTask, Decision, Source
from videos.services import DecisionInput, review_video

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_purge_of_an_unsent_block_is_superseded_with_it() -> None:
    video = make_video()
    review_video(video, DecisionInput(Decision.BLOCKED, Source.API, reason="violence"))
    review_video(video, DecisionInput(Decision.NORMAL, Source.API))
    task = CdnTask.objects.get(kind=CdnTask.Kind.PURGE)
    assert task.delivery is not None
    assert task.delivery.state == DeliveryState.SUPERSEDED
    assert task.state == CdnTask.State.SUPERSEDED
    assert task.finished_at is not None
