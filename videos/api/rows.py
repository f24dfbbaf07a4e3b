"""Rows as the API shows them: the columns of an answer, read by queries that are compiled once."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Self

import orjson
from django.db.models import DateTimeField, Exists, OuterRef, QuerySet, TextField
from django.db.models.functions import Cast

from recommendations.models import Recommendation
from shortvideo.compiled import CompiledQuery, IsOneOf, Parameter
from videos.models import CensorStatus, Video, VideoQuerySet


class VideoRow(NamedTuple):
    """What an answer shows of a video. Without uploader `user_id` is None."""

    id: int
    vod_id: str
    title: str
    description: str
    duration: float
    cover: str
    creation_time: datetime
    status: str
    first_frame: str
    size: int
    cate_id: int
    cate_name: str
    tags: str
    share_url: str
    user_id: str | None
    user_name: str
    avatar_url: str
    transcode_status: str
    snapshot_status: str
    censor_status: str
    narrow_transcode_status: str
    snapshots: Sequence[str]
    files: Sequence[dict[str, Any]]
    is_recommended: bool = False

    @property
    def is_passed(self) -> bool:
        return self.censor_status == CensorStatus.SUCCESS

    @classmethod
    def of_video(cls, video: Video) -> Self:
        """The row of a model, whose uploader is read."""
        uploader = video.uploader
        values: dict[str, Any] = {name: getattr(video, name) for name in _OF_VIDEO}
        values |= {name: getattr(uploader, name, None) for name in _OF_UPLOADER}
        return cls(**values)


_OF_UPLOADER: Final = ("user_id", "user_name", "avatar_url")
_LISTS: Final = ("snapshots", "files")  # JSON
_OF_VIDEO: Final = tuple(name for name in VideoRow._fields[:-1] if name not in _OF_UPLOADER)
_PLAIN: Final = tuple(name for name in VideoRow._fields[:-1] if name not in _LISTS)


def _with_columns(videos: VideoQuerySet) -> QuerySet[Video, tuple[Any, ...]]:
    names = (f"uploader__{name}" if name in _OF_UPLOADER else name for name in _PLAIN)
    lists = (Cast(name, TextField()) for name in _LISTS)
    published = Recommendation.objects.published(at=Parameter("now", DateTimeField()))
    is_recommended = Exists(published.filter(video=OuterRef("pk")))
    return videos.order_by().values_list(*names, *lists, is_recommended)


_BY_IDS: Final = CompiledQuery(
    lambda: _with_columns(Video.objects.filter(IsOneOf("id", Parameter("ids"))))
)
_BY_VOD_ID: Final = CompiledQuery(
    lambda: _with_columns(Video.objects.visible().filter(vod_id=Parameter("vod_id")))
)


def rows_by_id(ids: Iterable[int], *, now: datetime) -> list[VideoRow]:
    """The rows in this order; a video that was deleted meanwhile is missing."""
    wanted = list(ids)
    if not wanted:
        return []
    found = {row[0]: _row(row) for row in _BY_IDS.rows(ids=wanted, now=now)}
    return [found[id_] for id_ in wanted if id_ in found]


def visible_row(vod_id: str, *, now: datetime) -> VideoRow | None:
    """The row of a video that is not deleted; None if there is none."""
    rows = _BY_VOD_ID.rows(vod_id=vod_id, now=now)
    return _row(rows[0]) if rows else None


def _row(values: tuple[Any, ...]) -> VideoRow:
    *facts, snapshots, files, is_recommended = values
    lists = orjson.loads(snapshots), orjson.loads(files)
    return VideoRow._make((*facts, *lists, bool(is_recommended)))
