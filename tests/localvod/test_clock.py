"""The service's clock can be set ahead of the machine's, so that tests need not wait."""

from datetime import UTC, datetime, timedelta

import pytest
from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from localvod import clock
from tests.support.localvod import LocalVod


def newest_audit_at(vod: LocalVod, video_id: str) -> datetime:
    return clock.parse_time(vod.state(video_id)["audits"][-1]["creation_time"])


def test_new_rows_have_the_time_of_the_service_until_a_reset(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(status="Checking")
    started = datetime.now(UTC)
    vod.set_ahead(3_600)
    vod.audit_in_console(video_id, "Normal")
    lead = newest_audit_at(vod, video_id) - started
    assert timedelta(seconds=3_598) <= lead <= timedelta(seconds=3_700)
    client.get_video_info(
        models.GetVideoInfoRequest(video_id=video_id)
    )  # signed with the machine's time
    vod.reset()
    video_id = vod.seed(status="Checking")
    vod.audit_in_console(video_id, "Normal")
    assert newest_audit_at(vod, video_id) - started < timedelta(seconds=120)


@pytest.mark.parametrize("seconds", [-1, 10**9])
def test_an_invalid_lead_is_refused_with_the_allowed_range(vod: LocalVod, seconds: int) -> None:
    with pytest.raises(ValueError, match="from 0 to 31536000"):
        vod.set_ahead(seconds)
