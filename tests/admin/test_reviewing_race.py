"""Forty moderators on one queue, over HTTP."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
import requests
from django.db import connections

from tests.admin.test_reviewing import make_pending
from tests.factories import PASSWORD, make_operator
from videos.models import ReviewClaim, ReviewDecision


class Moderator:
    """A moderator who approves clip after clip, as the page's script does."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.page = f"{url}/admin/review", uuid4()
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.get(f"{url}/admin/login/", timeout=60)
        form = {"username": name, "password": PASSWORD, "csrfmiddlewaretoken": self.token}
        self.http.post(f"{url}/admin/login/", form, timeout=60).raise_for_status()
        self.handed_out: list[int] = []

    @property
    def token(self) -> str:
        return str(self.http.cookies["csrftoken"])

    def post(self, name: str, **values: Any) -> dict[str, Any]:
        data = {"page": str(self.page), **values}
        headers = {"X-CSRFToken": self.token}
        answer = self.http.post(f"{self.url}/{name}/", data, headers=headers, timeout=60)
        answer.raise_for_status()
        return dict(answer.json())

    def work(self) -> list[int]:
        while clips := self.post("clips", limit=3, order="oldest")["clips"]:
            for clip in clips:
                self.handed_out.append(clip["video"])
                sent = {"claim": clip["claim"], "seen": clip["seen"], "decision": "Normal"}
                self.post("decide", **sent)
        return self.handed_out


@pytest.mark.django_db(transaction=True)
def test_forty_moderators_never_get_the_same_clip(live_server: Any) -> None:
    names = [make_operator("moderator").username for _ in range(40)]
    videos = [make_pending() for _ in range(120)]

    def moderate(name: str) -> list[int]:
        try:
            return Moderator(live_server.url, name).work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(40) as pool:
        handed_out = Counter(pk for clips in pool.map(moderate, names) for pk in clips)
    assert handed_out == Counter(video.pk for video in videos)
    assert ReviewDecision.objects.count() == 120
    assert {claim.end for claim in ReviewClaim.objects.all()} == {"decided"}
