"""The demo's data: reason templates, four recommendations, two jobs that fail on purpose.

`localvod demo` tags its clips, and the clips whose jobs fail. While `seed_demo` waits for them, the
pages of the desk read here how many are ready. It writes this each second; if it dies, the words
expire.
"""

from typing import Final

from django.conf import settings
from django.core.cache import caches
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import Operator
from recommendations.models import Recommendation
from recommendations.services import Options, recommend_video
from videos.models import (
    CensorStatus,
    ReasonTemplate,
    SnapshotStatus,
    TranscodeKind,
    TranscodeStatus,
    Video,
    VideoQuerySet,
)
from videos.models.media import unplayable
from videos.services import submit_transcode

_MARK = "localvod:demo"
_DAMAGED = "upload:damaged"
_RECOMMENDED = 4
_PREPARING: Final = "preparing"  # the key of (total, done)
_EXPIRY_SECONDS: Final = 15
_Severity = ReasonTemplate.Severity
_REASONS: Final = (  # policy, severity, English, Chinese
    ("violence", _Severity.HIGH, "Violence or gore", "血腥暴力"),
    ("sexual", _Severity.HIGH, "Sexual content", "色情低俗"),
    ("spam", _Severity.MEDIUM, "Advertising or foreign contact details", "广告或站外引流"),
    ("fraud", _Severity.HIGH, "Fraud or gambling", "诈骗或赌博"),
    ("weapons", _Severity.HIGH, "Weapons or dangerous goods", "武器或危险物品"),
    ("copyright", _Severity.LOW, "Copied without permission", "搬运他人作品"),
    ("smoking", _Severity.LOW, "Smoking, alcohol or drugs", "吸烟、饮酒或毒品"),
    ("minors", _Severity.CRITICAL, "Harm to minors", "危害未成年人"),
)
_URGENT: Final = "minors"
_NARROWBAND_FAILS = "narrowband:fail"
_TRANSCODE_FAILS = "transcode:fail"


def is_demo() -> bool:
    """Return whether `run.py demo` started this console."""
    return settings.DEMO_PROGRESS is not None


def report(total: int, done: int) -> None:
    """Say to the desk's pages that the clips are being made."""
    caches["demo"].set(_PREPARING, (total, done), _EXPIRY_SECONDS)


def report_end() -> None:
    caches["demo"].delete(_PREPARING)


def preparing() -> str:
    """Return a sentence about the clips that are being made, or ""."""
    found = caches["demo"].get(_PREPARING)
    if found is None:
        return ""
    total, done = found
    return _("Preparing %(total)d demo clips, %(done)d done.") % {"total": total, "done": done}


def make_templates() -> int:
    """Create the reason templates unless there are some. Returns the number of new ones."""
    if ReasonTemplate.objects.exists():
        return 0
    return len(
        ReasonTemplate.objects.bulk_create(
            ReasonTemplate(
                policy=policy,
                severity=severity,
                text=english,
                text_zh_hans=chinese,
                is_urgent=policy == _URGENT,
                position=position,
            )
            for position, (policy, severity, english, chinese) in enumerate(_REASONS, start=1)
        )
    )


def clips() -> VideoQuerySet:
    """Return the clips of the demo; others may have uploaded more."""
    return Video.objects.visible().filter(tags__contains=_MARK)


def ready_count() -> int:
    """Count the clips that play and have an AI review, and those that are blocked or deleted."""
    made = Video.objects.filter(tags__contains=_MARK).exclude(tags__contains=_DAMAGED)
    is_reviewed = ~Q(censor_status=CensorStatus.ON_CENSOR) & ~unplayable()
    is_gone = Q(censor_status=CensorStatus.FAIL) | Q(deleted_at__isnull=False)
    return made.filter(is_reviewed | is_gone).count()


def unsettled() -> VideoQuerySet:
    """Return the demo's clips that VOD is still processing."""
    return clips().filter(
        Q(censor_status=CensorStatus.ON_CENSOR)
        | Q(status__in=["Uploading", "UploadSucc", "Transcoding"])
        | Q(transcode_status=TranscodeStatus.ON_TRANSCODE)
        | Q(narrow_transcode_status=TranscodeStatus.ON_TRANSCODE)
        | Q(snapshot_status=SnapshotStatus.ON_SNAPSHOT)
    )


def curate(operator: Operator | None) -> int:
    """Recommend clips and start jobs that fail, unless there are recommendations.

    Returns the number of new recommendations.
    """
    if Recommendation.objects.exists():
        return 0
    passed = clips().passed().playable()
    failing = passed.filter(tags__contains=_TRANSCODE_FAILS)
    for video in failing.filter(transcode_jobs=None):
        submit_transcode(video, kind=TranscodeKind.STANDARD, operator=operator)
    narrowband_fails = list(passed.filter(tags__contains=_NARROWBAND_FAILS)[:1])
    others = passed.exclude(
        Q(pk__in=[video.pk for video in narrowband_fails])
        | Q(tags__contains=_TRANSCODE_FAILS)
        | Q(snapshot_status=SnapshotStatus.NONE)
    )
    newest = others.newest_first()[: _RECOMMENDED - len(narrowband_fails)]
    recommended = [*newest, *narrowband_fails]
    for video in recommended:
        recommend_video(video, operator=operator, options=Options(narrowband=True, prefetch=True))
    return len(recommended)
