"""The values that gateways take and return.

A status is a plain string as the cloud writes it, so that a new one does not break a sync page. The
enums below name the documented statuses and compare equal to the strings. Times are aware and in
UTC, sizes in bytes, durations in seconds, bitrates in kbit/s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NewType

from shortvideo.cloud.user_data import Uploader as Uploader  # noqa: PLC0414 - one of these types
from shortvideo.cloud.user_data import UserData as UserData  # noqa: PLC0414 - one of these types

MediaPath = NewType("MediaPath", str)
"""Address of a media file: `host/path` without scheme, query and fragment; "" for no file."""

_MAX_REASON_BYTES = 128
_MAX_COMMENT_BYTES = 512


class VodStatus(StrEnum):
    UPLOADING = "Uploading"
    UPLOAD_FAIL = "UploadFail"
    UPLOAD_SUCC = "UploadSucc"
    TRANSCODING = "Transcoding"
    TRANSCODE_FAIL = "TranscodeFail"
    CHECKING = "Checking"
    BLOCKED = "Blocked"
    NORMAL = "Normal"
    PRODUCE_FAIL = "ProduceFail"


class SourceStatus(StrEnum):
    """The status of an uploaded file that matters here."""

    DELETED = "Deleted"


class AuditStatus(StrEnum):
    NORMAL = "Normal"
    BLOCKED = "Blocked"


class Suggestion(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict
    REVIEW = "review"
    BLOCK = "block"


class TaskStatus(StrEnum):
    PROCESSING = "Processing"
    PARTIAL = "Partial"
    ALL_SUCCEEDED = "CompleteAllSucc"
    ALL_FAILED = "CompleteAllFail"
    SOME_SUCCEEDED = "CompletePartialSucc"


class JobStatus(StrEnum):
    TRANSCODING = "Transcoding"
    SUCCEEDED = "TranscodeSuccess"
    FAILED = "TranscodeFail"


class Trigger(StrEnum):
    AUTO = "Auto"
    MANUAL = "Manual"


class MachineJobStatus(StrEnum):
    WAITING = "init"
    PROCESSING = "processing"
    SUCCEEDED = "success"
    FAILED = "fail"


class CdnTaskStatus(StrEnum):
    COMPLETE = "Complete"
    REFRESHING = "Refreshing"
    PENDING = "Pending"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Picture:
    """The content of a picture, and the extension of its type."""

    content: bytes
    extension: str


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """One video as VOD described it at `read_at`.

    None means that the origin does not report the field, so the mirror keeps its value: a search
    page has neither user_data nor template_group_id, and only a fetch of a single video has
    audit_status ("" without a final decision).
    """

    vod_id: str
    read_at: datetime  # when the request was sent
    origin: Literal["search", "info"]
    title: str | None = None
    description: str | None = None
    tags: str | None = None  # comma-separated
    cate_id: int | None = None  # 0: none
    cate_name: str | None = None
    cover: MediaPath | None = None
    status: str | None = None
    audit_status: str | None = None
    size: int | None = None
    duration: float | None = None
    creation_time: datetime | None = None
    modification_time: datetime | None = None
    template_group_id: str | None = None
    user_data: UserData | None = None
    snapshots: tuple[MediaPath, ...] | None = None
    storage_location: str | None = None


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A page of the catalogue. `scroll_token` fetches the next page; it is "" at the end.

    `unreadable_ids` has one id for each row that cannot be read, "" if the id cannot either. Such
    rows are not among the videos.
    """

    total: int
    videos: tuple[MediaFacts, ...]
    scroll_token: str = ""
    unreadable_ids: tuple[str, ...] = ()

    @property
    def unreadable_count(self) -> int:
        return len(self.unreadable_ids)

    @property
    def row_count(self) -> int:
        return len(self.videos) + self.unreadable_count


@dataclass(frozen=True, slots=True)
class Found:
    """`unreadable_ids` are videos that VOD has, but whose rows cannot be read."""

    videos: tuple[MediaFacts, ...]
    missing_ids: tuple[str, ...] = ()
    unreadable_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Deleted:
    """The ids that VOD did not delete, as it does not have them or refuses to delete them."""

    missing_ids: tuple[str, ...] = ()
    forbidden_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MediaFile:
    """What VOD says of a source file and of a result of transcoding."""

    path: MediaPath
    status: str = ""
    width: int = 0
    height: int = 0
    bitrate: float = 0.0
    fps: float = 0.0
    size: int = 0
    duration: float = 0.0
    creation_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class StreamFile(MediaFile):
    """One playable file, a result of transcoding."""

    definition: str = ""
    format: str = ""
    codec: str = ""
    is_narrowband: bool = False
    job_id: str = ""
    url: str = field(default="", repr=False, compare=False)  # VOD's own, secret while it is valid


@dataclass(frozen=True, slots=True)
class Mezzanine(MediaFile):
    """The uploaded source file."""

    file_name: str = ""


@dataclass(frozen=True, slots=True)
class TranscodeJobFacts:
    """One output stream of a task; `output` is None until there is a file."""

    job_id: str
    status: str
    progress: int = 0  # 0 to 100
    definition: str = ""
    error_code: str = ""
    error_message: str = ""
    output: StreamFile | None = None


@dataclass(frozen=True, slots=True)
class TranscodeTask:
    """One submission of a template group; `jobs` is empty in a list of tasks."""

    task_id: str
    vod_id: str
    status: str
    trigger: str
    template_group_id: str
    creation_time: datetime | None = None
    complete_time: datetime | None = None
    jobs: tuple[TranscodeJobFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundJobs:
    jobs: tuple[TranscodeJobFacts, ...]
    missing_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubmittedTranscode:
    task_id: str
    job_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """A decision to deliver to VOD's CreateAudit."""

    vod_id: str
    status: AuditStatus
    reason: str = ""  # at most 128 bytes of UTF-8
    comment: str = ""  # at most 512 bytes of UTF-8

    def as_json(self) -> dict[str, str]:
        """Return the entry of CreateAudit's AuditContent.

        Raises ValueError if the reason or the comment is longer than VOD takes.
        """
        for name, text, limit in (
            ("reason", self.reason, _MAX_REASON_BYTES),
            ("comment", self.comment, _MAX_COMMENT_BYTES),
        ):
            if (length := len(text.encode())) > limit:
                raise ValueError(
                    f"The {name} has {length} bytes of UTF-8; VOD takes at most {limit}."
                )
        entry = {"VideoId": self.vod_id, "Status": str(self.status)}
        if self.reason:
            entry["Reason"] = self.reason
        if self.comment:
            entry["Comment"] = self.comment
        return entry


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A decision in VOD's history, made here or elsewhere."""

    created_at: datetime
    status: str
    reason: str = ""
    comment: str = ""
    auditor: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """One finding of a machine review. `timestamp_ms` is None for covers, titles and sound.

    `module` is porn, terrorism, ad, live or logo for frames of the video, else cover, title or
    audio; `score` is 0 to 100; `picture` is the frame, which VOD keeps for two weeks.
    """

    label: str
    score: float
    timestamp_ms: int | None
    module: str
    picture: MediaPath = MediaPath("")


@dataclass(frozen=True, slots=True)
class MachineResult:
    """The machine's verdict on a video. `raw` is VOD's whole answer with URLs cut to host/path."""

    suggestion: str
    labels: tuple[str, ...] = ()
    abnormal_modules: tuple[str, ...] = ()
    hits: tuple[Hit, ...] = ()
    raw: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class MachineJob:
    """A submitted machine review. `result` is None unless it succeeded."""

    job_id: str
    vod_id: str
    status: str
    code: str = ""
    message: str = ""
    result: MachineResult | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UploadTicket:
    """Lets an app upload one file to VOD's storage.

    The two texts are opaque, secret and valid for 3,000 seconds.
    """

    vod_id: str
    upload_address: str = field(repr=False)
    upload_auth: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CallbackSettings:
    """Where VOD sends its events. The key is secret: never log it."""

    url: str
    event_types: tuple[str, ...] = ("ALL",)
    auth_key: str = field(default="", repr=False)
    callback_type: str = "HTTP"


@dataclass(frozen=True, slots=True)
class CdnTaskFacts:
    """One URL of a prefetch or a purge."""

    task_id: str
    path: MediaPath
    kind: str  # preload, file, directory, regex
    status: str
    progress: int = 0  # 0 to 100
    created_at: datetime | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class CdnQuota:
    """The daily quotas of URLs, and what is left of them today."""

    prefetch_quota: int
    prefetch_remaining: int
    purge_quota: int
    purge_remaining: int
    purge_directory_quota: int
    purge_directory_remaining: int
