"""Videos whose media localvod's CDN serves; their decisions, takedowns and deliveries."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from shortvideo.cloud import media_gateway
from shortvideo.cloud.types import MediaPath
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery
from shortvideo.outbox.worker import work_once, work_until_idle
from tests.support.localvod import LocalVod
from videos import mirror, sync
from videos.mirror import asking
from videos.mirror.asking import EVERYTHING
from videos.models import Decision, ReviewDecision, Source, Takedown, Video
from videos.services import DecisionInput, media_paths, review_video

SECONDS = 20
CHAIN = ["create_audit", "archive_evidence", "purge", "verify_takedown"]  # of a block
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000a49444154789c63000100000500010d0a2db40000000049454e44ae426082"
)


def published(vod: LocalVod, *, snapshots: int = 2) -> Video:
    """Seed a passed video with streams, a cover and snapshots; read it into the mirror."""
    vod_id = vod.seed(status="Normal", cover=True, snapshots=snapshots, files=True)
    write_pixels(vod, vod_id)
    facts, _ = asking.fetch_facts([vod_id])
    mirror.apply(asking.fetch_reading(facts[vod_id], None, EVERYTHING))
    return Video.objects.get(vod_id=vod_id)


def write_pixels(vod: LocalVod, vod_id: str) -> None:
    """Replace localvod's SVG drawings of a video by pictures, each with its own content."""
    for stored in vod.state(vod_id)["objects"]:
        if stored["kind"] == "image":
            file = vod.state_folder / "media" / stored["object_key"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(PIXEL + stored["object_key"].encode())


def block(video: Video, source: Source = Source.API, **values: Any) -> ReviewDecision:
    return review_video(
        video, DecisionInput(Decision.BLOCKED, source, **{"reason": "violence", **values})
    )


def approve(video: Video, source: Source = Source.API, **values: Any) -> ReviewDecision:
    return review_video(video, DecisionInput(Decision.NORMAL, source, **values))


def work() -> None:
    work_until_idle(SECONDS)


def work_now(*kinds: str) -> None:
    """Work until idle; deliveries (of these kinds, or all) that are due later are sent now."""
    later = Delivery.objects.waiting().filter(due_at__gt=timezone.now())
    (later.filter(kind__in=kinds) if kinds else later).update(due_at=timezone.now())
    work_until_idle(SECONDS)


def work_one(kind: str) -> None:
    work_once([kind])


def takedown_of(video: Video) -> Takedown:
    return Takedown.objects.filter(video=video).latest("id")


def delivery_of(video: Video, kind: str) -> Delivery:
    return Delivery.objects.filter(kind=kind).for_subject(video.vod_id).latest("id")


def served_paths(video: Video) -> list[str]:
    return [path for path in media_paths(video) if is_served(MediaPath(path))]


def is_served(path: MediaPath) -> bool:
    return media_gateway().is_served(path)


def assert_gone(video: Video, paths: list[MediaPath]) -> None:
    takedown = takedown_of(video)
    assert (takedown.state, takedown.problem) == (Takedown.State.VERIFIED, "")
    assert paths
    assert not any(map(is_served, paths))
    assert served_paths(Video.objects.get(pk=video.pk)) == []


def sync_all() -> None:
    for _ in sync.walk(sync.resume_or_start(is_full=True)):
        pass


def read_again(video: Video) -> None:
    with transaction.atomic():
        outbox.send("read_video", subject=video.vod_id)
    work()
