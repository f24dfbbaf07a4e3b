from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Self
from urllib.parse import unquote

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Uploader
from shortvideo.text import NamedOutside, folded, is_blank, isolated
from videos.models.media import (
    MEDIA_FIELDS,
    PLAYABILITY_FIELDS,
    PLAYS,
    created_at,
    is_unplayable,
    media_named_by,
    unplayable,
)
from videos.models.status import CensorStatus, SnapshotStatus, TranscodeKind, TranscodeStatus

MEDIA_PATH_LENGTH = 1024
MAX_FURTHER_MEDIA = 500
SHORTEST_ID = 16  # characters; VOD's ids have 32. Shorter names of folders are not looked up


def _folders_of(path: str) -> list[str]:
    """The folders of a `host/path`. VOD puts a video's id into the paths of its files."""
    return unquote(path).split("/")[1:-1]


def _possible_ids(path: str) -> list[str]:
    """The folders that may be a video's id."""
    return [name for name in _folders_of(path) if len(name) >= SHORTEST_ID]


def is_foreign(path: str, vod_id: str) -> bool:
    """Whether the path names a file of another video; apps may set any path as a cover."""
    folders = _folders_of(path)
    if vod_id in folders and ".." not in folders:
        return False
    return bool(_possible_ids(path)) and (
        Video.objects.with_file(path).exclude(vod_id=vod_id).exists()
    )


def is_of_video(path: str) -> bool:
    """Whether the path is in a video's folder. Most paths show by themselves that they are not."""
    return bool(_possible_ids(path)) and Video.objects.with_file(path).exists()


class VideoQuerySet(models.QuerySet["Video"]):
    def visible(self) -> Self:
        """Every video that was not deleted. No other is ever shown outside the desk."""
        return self.filter(deleted_at=None)

    def passed(self) -> Self:
        return self.visible().filter(censor_status=CensorStatus.SUCCESS)

    def closed(self) -> Self:
        """Blocked or deleted: the CDN should not have their media."""
        return self.filter(Q(censor_status=CensorStatus.FAIL) | Q(deleted_at__isnull=False))

    def with_file(self, path: str) -> Self:
        """The videos whose folder has this `host/path`, however it is encoded."""
        names = _possible_ids(path)
        return self.filter(vod_id__in=names) if names else self.none()

    def playable(self) -> Self:
        """Videos that are not known to be without a file to play."""
        return self.exclude(unplayable())

    def titled_like(self, text: str) -> Self:
        return self.filter(title_search__contains=folded(text))

    def newest_first(self) -> Self:
        return self.order_by("-creation_time", "-id")


class Video(NamedOutside, models.Model):
    """One VOD video as last read, with its review.

    Media are stored as `host/path`: URLs are built and signed when they are shown.
    """

    vod_id = models.CharField(
        _("video id"), max_length=64, unique=True, help_text=_("The video's id in VOD.")
    )
    title = models.CharField(_("title"), max_length=512, blank=True)
    title_search = models.TextField(blank=True, editable=False)
    description = models.TextField(_("description"), blank=True)
    tags = models.CharField(_("tags"), max_length=1024, blank=True)
    cate_id = models.BigIntegerField(_("category id"), default=0)
    cate_name = models.CharField(_("category"), max_length=255, blank=True)
    uploader = models.ForeignKey(
        Uploader, models.PROTECT, null=True, blank=True, related_name="videos"
    )
    duration = models.FloatField(_("duration"), default=0, help_text=_("Seconds."))
    size = models.BigIntegerField(_("size"), default=0, help_text=_("Bytes of the source file."))
    creation_time = models.DateTimeField(_("created"))
    modification_time = models.DateTimeField(null=True, blank=True, editable=False)

    cover = models.CharField(_("cover"), max_length=MEDIA_PATH_LENGTH, blank=True)
    first_frame = models.CharField(_("first frame"), max_length=MEDIA_PATH_LENGTH, blank=True)
    share_url = models.CharField(_("share URL"), max_length=1024, blank=True)
    source_path = models.CharField(max_length=MEDIA_PATH_LENGTH, blank=True, editable=False)
    snapshots = models.JSONField(
        default=list, blank=True, editable=False, help_text=_("A list of host/path.")
    )
    files = models.JSONField(
        default=list,
        blank=True,
        editable=False,
        help_text=_(
            "A list of objects: path, definition, format, width, height, bitrate (kbit/s), fps, "
            "size (bytes), duration (s), codec, is_narrowband, job_id, created_at."
        ),
    )
    files_read_at = models.DateTimeField(null=True, blank=True, editable=False)
    further_media = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        editable=False,
        help_text=_(
            "Media of this source that were issued and are in no other field now: a list of "
            "objects of kind (cover, first_frame, snapshot, play) and path."
        ),
    )

    status = models.CharField(_("VOD status"), max_length=32, blank=True)
    audit_status = models.CharField(max_length=16, blank=True, editable=False)
    template_group_id = models.CharField(max_length=64, blank=True, editable=False)
    censor_status = models.CharField(
        _("review"), max_length=8, choices=CensorStatus, default=CensorStatus.ON_CENSOR
    )
    transcode_status = models.CharField(
        _("transcoding"),
        max_length=11,
        choices=TranscodeStatus,
        default=TranscodeStatus.NONE,
        blank=True,
    )
    narrow_transcode_status = models.CharField(
        _("Narrowband HD"),
        max_length=11,
        choices=TranscodeStatus,
        default=TranscodeStatus.NONE,
        blank=True,
    )
    snapshot_status = models.CharField(
        _("snapshots"),
        max_length=10,
        choices=SnapshotStatus,
        default=SnapshotStatus.NONE,
        blank=True,
    )

    source_version = models.PositiveIntegerField(
        default=1, editable=False, help_text=_("Counts the source files under this id.")
    )
    source_uploaded_at = models.DateTimeField(null=True, blank=True, editable=False)
    source_uploaded_after = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("Set while the time of the upload is an estimate: the true time is later."),
    )
    censor_changed_at = models.DateTimeField(default=timezone.now, editable=False)
    blocked_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("The last block: it ends every recommendation made before it."),
    )
    read_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("When the newest reading in this row was sent to VOD."),
    )
    transcode_asked_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("When the worker last asked VOD about its transcoding."),
    )
    first_seen_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = VideoQuerySet.as_manager()

    class Meta:
        verbose_name = _("video")
        verbose_name_plural = _("videos")
        permissions = [
            ("review_video", _("Can pass or block videos")),
            ("play_unpublished_video", _("Can play pending and blocked videos")),
            ("transcode_video", _("Can submit transcoding jobs")),
            ("prefetch_video", _("Can prefetch to the CDN")),
            ("sync_video", _("Can sync with VOD")),
            ("change_review_ips", _("Can change the review security IPs of VOD")),
        ]
        indexes = [
            models.Index(
                fields=["-creation_time", "-id"], name="video_newest", condition=Q(deleted_at=None)
            ),
            models.Index(
                fields=["censor_status", "-creation_time", "-id"],
                name="video_censor_newest",
                condition=Q(deleted_at=None),
            ),
            models.Index(
                fields=["uploader", "-creation_time", "-id", "censor_status"],
                name="video_uploader_status",
                condition=Q(deleted_at=None),
            ),
            models.Index(
                fields=["changed_at", "id"], name="video_changed", condition=Q(deleted_at=None)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(censor_status__in=CensorStatus.values), name="video_censor_status"
            ),
        ]

    def __str__(self) -> str:
        return isolated(self.label)

    @property
    def label(self) -> str:
        return self.vod_id if is_blank(self.title) else self.title

    @property
    def is_passed(self) -> bool:
        return self.censor_status == CensorStatus.SUCCESS

    @property
    def is_blocked(self) -> bool:
        return self.censor_status == CensorStatus.FAIL

    @property
    def is_closed(self) -> bool:
        """Blocked or deleted: see `VideoQuerySet.closed`."""
        return self.is_blocked or self.deleted_at is not None

    @property
    def is_unplayable(self) -> bool:
        """Whether it is known that there is no file to play: see `VideoQuerySet.playable`."""
        return is_unplayable({name: getattr(self, name) for name in PLAYABILITY_FIELDS})

    @property
    def is_public(self) -> bool:
        """Whether the app may show it: approved, not deleted, and not without a file to play."""
        return self.is_passed and self.deleted_at is None and not self.is_unplayable

    def transcode_status_of(self, kind: TranscodeKind) -> TranscodeStatus:
        return TranscodeStatus(getattr(self, kind.status_field))

    @property
    def is_transcoding(self) -> bool:
        return any(
            self.transcode_status_of(kind) == TranscodeStatus.ON_TRANSCODE for kind in TranscodeKind
        )

    @property
    def media_now(self) -> list[dict[str, str]]:
        """The media in the row's fields: objects of kind and path."""
        return media_named_by({name: getattr(self, name) for name in MEDIA_FIELDS})

    @property
    def media(self) -> list[dict[str, str]]:
        """The present media and those that were issued before."""
        return [*self.media_now, *self.further_media]

    def remember_media(self, media: Iterable[dict[str, str]]) -> None:
        """Add media to `further_media`, in memory. Of too many the newest stay."""
        known = {item["path"]: item for item in (*self.further_media, *media) if item["path"]}
        self.further_media = list(known.values())[-MAX_FURTHER_MEDIA:]

    def set_censor_status(self, status: CensorStatus, *, at: datetime) -> list[str]:
        """Change the status in memory; returns the names of the fields to save."""
        self.censor_status = status
        self.censor_changed_at = self.changed_at = at
        if status == CensorStatus.FAIL:
            self.blocked_at = at
        return ["censor_status", "censor_changed_at", "changed_at", "blocked_at"]

    @property
    def playable_files(self) -> list[Mapping[str, Any]]:
        """The streams, else the source unless it is damaged."""
        if self.files or not self.source_path or self.is_unplayable:
            return list(self.files)
        return [{"path": self.source_path, "definition": "OD", "is_narrowband": False, "height": 0}]

    def file_to_prefetch(self) -> Mapping[str, Any] | None:
        """The tallest Narrowband HD stream, else the tallest standard one, else the source."""
        return max(
            self.playable_files,
            key=lambda file: (file["is_narrowband"], file["height"], created_at(file)),
            default=None,
        )

    def is_foreign(self, path: str) -> bool:
        """Whether the path names a file of another video."""
        return is_foreign(path, self.vod_id)

    def own_picture(self, path: str) -> str:
        """The clip's picture with this `host/path`, however it is encoded; '' if it has none."""
        pictures = (item["path"] for item in self.media if item["kind"] != PLAYS)
        return next((own for own in pictures if unquote(own) == unquote(path)), "")
