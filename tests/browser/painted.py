"""Demo clips as rows, with their media: what the pictures of the desk show."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from django.utils import timezone
from playwright.sync_api import BrowserContext, Route

from accounts.models import Uploader
from localvod.demo import avatars
from localvod.demo.clips import Clip, clips
from localvod.demo.rendering import render
from localvod.media.ffmpeg import run_ffmpeg
from recommendations.services import Options, recommend_video
from tests.factories import make_file, make_operator, make_uploader, make_video
from videos.models import (
    CensorStatus,
    Decision,
    MachineReview,
    ReasonTemplate,
    ReviewTask,
    Source,
    Video,
)
from videos.services import DecisionInput, review_video

MEDIA = "http://media.example.com/"
SNAPSHOTS = 4
RECOMMENDED, PENDING, BLOCKED = 1, 5, 8  # numbers of demo clips
REASONS = (
    ("Advertising or contact details", "含有广告或联系方式", "ads"),
    ("Violence or weapons", "含有暴力或武器", "safety"),
    ("Copied from television", "盗录电视节目", "copyright"),
)


class Studio:
    """Paints clips into a folder, makes rows of them, and serves their files to a browser."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._people: dict[str, Uploader] = {}
        self._avatars: dict[str, bytes] = {}

    def paint(self, numbers: Iterable[int]) -> dict[int, Video]:
        """Rows of these demo clips, by number. What the machine suspects waits for a person."""
        chosen = [clip for clip in clips(max(numbers)) if clip.number in numbers]
        return {clip.number: self._film(clip) for clip in chosen}

    def serve(self, context: BrowserContext) -> None:
        context.route(f"{MEDIA}**", self._answer)

    def _answer(self, route: Route) -> None:
        name = route.request.url.partition("?")[0].removeprefix(MEDIA)
        if name in self._avatars:
            route.fulfill(body=self._avatars[name], content_type="image/png")
        else:
            route.fulfill(path=self._folder / name)

    def _film(self, clip: Clip) -> Video:
        name = f"{clip.number:04d}"
        target = self._folder / f"{name}.mp4"
        render(clip.scene, clip.sound, target, size=clip.size, seconds=clip.seconds, seed=clip.seed)
        for index in range(SNAPSHOTS):
            second = str((index + 0.5) * clip.seconds / SNAPSHOTS)
            picture = str(self._folder / f"{name}-{index}.jpg")
            run_ffmpeg(["-y", "-ss", second, "-i", str(target), "-frames:v", "1", picture])
        return self._enter(clip, name)

    def _enter(self, clip: Clip, name: str) -> Video:
        host = MEDIA.removeprefix("http://")
        pictures = [f"{host}{name}-{index}.jpg" for index in range(SNAPSHOTS)]
        width, height = clip.size
        label, _, score = clip.hit.partition(":")
        video = make_video(
            title=clip.title,
            description=clip.description,
            tags=",".join(clip.tags),
            uploader=self._uploader(clip),
            duration=float(clip.seconds),
            creation_time=timezone.now() - timedelta(minutes=90 - 3 * clip.number),
            censor_status=CensorStatus.CHECK if label else CensorStatus.SUCCESS,
            cover=pictures[1],
            first_frame=pictures[0],
            source_path=f"{host}{name}.mp4",
            snapshots=pictures,
            files=[make_file(f"{host}{name}.mp4", width=width, height=height)],
        )
        if label:
            opened = timezone.now() - timedelta(minutes=60 - clip.number)
            ReviewTask.objects.create(video=video, cause="machine_verdict", opened_at=opened)
            hits = [
                {"label": label, "score": float(score) - back, "timestamp_ms": at, "module": label}
                for back, at in ((8, 1500), (0, 4000))
            ]
            MachineReview.objects.create(
                video=video, source_version=1, suggestion="review", labels=[label], hits=hits
            )
        return video

    def _uploader(self, clip: Clip) -> Uploader:
        person = clip.person
        if person.user_id not in self._people:
            key = avatars.key(person)
            self._avatars[key] = avatars.paint(person)
            self._people[person.user_id] = make_uploader(
                user_id=person.user_id, user_name=person.name, avatar_url=MEDIA + key
            )
        return self._people[person.user_id]


def fill(studio: Studio, *, others: Iterable[int] = ()) -> dict[int, Video]:
    """A desk in the middle of a day: a recommended clip, one that waits, a block, and `others`."""
    videos = studio.paint((RECOMMENDED, PENDING, BLOCKED, *others))
    for text, chinese, policy in REASONS:
        ReasonTemplate.objects.create(text=text, text_zh_hans=chinese, policy=policy)
    moderator = make_operator("operator", username="mei")
    approval = DecisionInput(Decision.NORMAL, Source.ADMIN, operator=moderator)
    review_video(videos[RECOMMENDED], approval)
    block = DecisionInput(Decision.BLOCKED, Source.ADMIN, operator=moderator, reason=REASONS[0][0])
    review_video(videos[BLOCKED], block)
    options = Options(narrowband=True, prefetch=True)
    recommend_video(videos[RECOMMENDED], operator=moderator, options=options)
    return videos
