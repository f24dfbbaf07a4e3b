"""A catalogue computed from a seed: a million videos cost no disk and no start-up time.

Rows have the fields of SearchMedia and, from GetVideoInfo, UserData and AuditStatus. Times are
texts, `Size` is in bytes, `Duration` in seconds.
"""

from __future__ import annotations

import json
import time
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime

from localvod.clock import TIME_FORMAT

_SPACING_SECONDS = 30  # one video in each slot: CreationTime is unique and rises with the index
LARGEST_EDIT_SECONDS = 255  # from CreationTime to ModificationTime
_UPLOADER_COUNT = 997
_DEFAULT_END = datetime(2026, 6, 30, tzinfo=UTC)
_MASK = 2**64 - 1
_STRIDE = 0x9E3779B97F4A7C15
_STRIDE_INVERSE = pow(_STRIDE, -1, 2**64)
_ID_LENGTH = 32

_STATUSES = (
    *("Normal",) * 78,
    *("Checking",) * 12,
    *("Blocked",) * 6,
    *("UploadSucc", "Transcoding", "TranscodeFail", "Uploading"),
)
_SUBJECTS = (
    ("Harbour", "harbour"), ("Mountain trail", "mountain"), ("Street noodles", "food"),
    ("Old bicycle", "craft"), ("Rainy window", "rain"), ("Paper kites", "kite"),
    ("Night market", "market"), ("Tea house", "tea"), ("River ferry", "river"),
    ("夜市小吃", "美食"), ("山间晨雾", "风景"), ("老街骑行", "骑行"), ("江边日落", "日落"),
    ("手工陶艺", "手工"), ("雨后竹林", "自然"), ("元宵灯会", "灯会"),
)  # fmt: skip
_MOODS = (
    ("in the morning", "morning"), ("at dusk", "dusk"), ("in slow motion", "slow"),
    ("from above", "drone"), ("with friends", "friends"), ("第一集", "连载"), ("慢镜头", "慢镜头"),
    ("周末记录", "日常"),
)  # fmt: skip
CATEGORIES = (
    (1000000001, "Travel"), (1000000002, "Food"), (1000000003, "Nature"), (1000000004, "生活"),
)  # fmt: skip
_NAMES = ("mei", "jonas", "nora", "tomek", "晓雨", "阿泽", "ines", "小禾", "ravi", "luca")


class Catalogue:
    """`count` videos in order of CreationTime; the last is created shortly before `end`."""

    def __init__(
        self,
        count: int,
        seed: int = 1,
        end: datetime = _DEFAULT_END,
        *,
        media_host: str = "media.localvod.example",
    ) -> None:
        if count < 0:
            raise ValueError(f"A catalogue cannot hold {count} videos: the count starts at 0.")
        self._count = count
        self._seed = _mix_bits(seed)
        self._start = int(end.timestamp()) - count * _SPACING_SECONDS
        self._media_url = f"http://{media_host}/catalogue"
        self._user_data = [_user_data(number, media_host) for number in range(_UPLOADER_COUNT)]

    def __len__(self) -> int:
        return self._count

    def video_id(self, index: int) -> str:
        """The id of one video: 32 hexadecimal digits, from which `index_of` computes the index."""
        return f"{self._noise(index):016x}{(index * _STRIDE + self._seed) & _MASK:016x}"

    def index_of(self, video_id: str) -> int | None:
        """The index of an id of this catalogue; None for any other id."""
        if len(video_id) != _ID_LENGTH:
            return None
        try:
            code = int(video_id[16:], 16)
        except ValueError:
            return None
        index = ((code - self._seed) * _STRIDE_INVERSE) & _MASK
        return index if index < self._count and self.video_id(index) == video_id else None

    def range_indexes(self, start: datetime | None, end: datetime | None) -> range:
        """The indexes of the videos created from `start` to `end`, both included."""
        every = range(self._count)
        first = 0
        if start is not None:
            first = bisect_left(every, start.timestamp(), key=self._created_at)
        stop = self._count
        if end is not None:
            stop = bisect_right(every, end.timestamp(), key=self._created_at)
        return range(first, max(first, stop))

    def video(self, index: int) -> dict[str, object]:
        """The row of one video; raises IndexError beyond the count."""
        if not 0 <= index < self._count:
            raise IndexError(f"The catalogue has videos 0 to {self._count - 1}, not {index}.")
        noise = self._noise(index)
        video_id = self.video_id(index)
        subject, mood = _SUBJECTS[noise & 15], _MOODS[noise >> 4 & 7]
        category = CATEGORIES[noise >> 7 & 3]
        status = _STATUSES[(noise >> 9 & 1023) % len(_STATUSES)]
        created = self._created_at(index)
        folder = f"{self._media_url}/{video_id}"
        row: dict[str, object] = {
            "VideoId": video_id,
            "Title": f"{subject[0]} {mood[0]} #{index}",
            "Description": f"{subject[0]}, {mood[0]}: catalogue video {index}.",
            "Tags": f"{subject[1]},{mood[1]}",
            "CateId": category[0],
            "CateName": category[1],
            "CoverURL": f"{folder}/cover.jpg",
            "Status": status,
            "Size": 400_000 + (noise >> 20 & 0x7FFFFF),
            "Duration": 5 + (noise >> 32 & 1023) / 100,
            "CreationTime": _text(created),
            "ModificationTime": _text(created + (noise >> 42 & LARGEST_EDIT_SECONDS)),
            "Snapshots": [f"{folder}/snapshot-{number:05d}.jpg" for number in range(1, 9)],
            "SpriteSnapshots": [f"{folder}/sprite-00001.jpg"],
            "StorageLocation": "localvod.oss-cn-shanghai.aliyuncs.com",
            "AppId": "app-1000000",
            "MediaSource": "general",
            "TranscodeMode": "AsyncTranscode",
            "PreprocessStatus": "UnPreprocess",
            "DownloadSwitch": "off",
            "ReferenceId": f"catalogue-{index}",
            "StorageClass": "Standard",
            "UserData": self._user_data[(noise >> 50) % _UPLOADER_COUNT],
        }
        if status in {"Normal", "Blocked"}:
            row["AuditStatus"] = status
        return row

    def _noise(self, index: int) -> int:
        return _mix_bits(index * _STRIDE ^ self._seed)

    def _created_at(self, index: int) -> int:
        """Unix seconds."""
        return self._start + index * _SPACING_SECONDS + self._noise(index) % _SPACING_SECONDS


def _mix_bits(number: int) -> int:
    """64 well mixed bits of a number (the finalizer of SplitMix64)."""
    number &= _MASK
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    number = (number ^ number >> 27) * 0x94D049BB133111EB & _MASK
    return number ^ number >> 31


def _text(seconds: int) -> str:
    return time.strftime(TIME_FORMAT, time.gmtime(seconds))


def _user_data(number: int, media_host: str) -> str:
    """UserData as an app sends it: the uploader, within 512 bytes."""
    name = f"{_NAMES[number % len(_NAMES)]}_{number}"
    extend = {
        "userId": str(7_000_000 + number),
        "userName": name,
        "avatarUrl": f"http://{media_host}/avatars/catalogue-{number % 10}.png",
    }
    return json.dumps({"Extend": extend}, ensure_ascii=False)
