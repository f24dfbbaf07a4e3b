"""The demo's curation: four recommendations, two jobs that fail on purpose, reason templates.

The clips say by their tags what is special about them (`localvod demo` makes them so).
"""

from django.db.models import Q

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
from videos.services import submit_transcode

RECOMMENDED = 4
REASONS = (
    "Violence or gore",
    "Sexual content",
    "Fraud, spam or foreign contact details",
    "Copied without permission",
    "血腥暴力",
    "色情低俗",
    "诈骗、广告或站外引流",
    "搬运他人作品",
)
NARROWBAND_FAILS = "narrowband:fail"
TRANSCODE_FAILS = "transcode:fail"


def unsettled() -> VideoQuerySet:
    """Videos of which VOD still has something to tell: a verdict, a file, snapshots."""
    return Video.objects.visible().filter(
        Q(censor_status=CensorStatus.ON_CENSOR)
        | Q(status__in=["Uploading", "UploadSucc", "Transcoding"])
        | Q(transcode_status=TranscodeStatus.ON_TRANSCODE)
        | Q(narrow_transcode_status=TranscodeStatus.ON_TRANSCODE)
        | Q(snapshot_status=SnapshotStatus.ON_SNAPSHOT)
    )


def curate(operator: Operator | None) -> int:
    """Recommend what the demo recommends; returns how many items are new. Running it twice adds
    nothing."""
    if Recommendation.objects.exists():
        return 0
    for position, text in enumerate(REASONS, start=1):
        ReasonTemplate.objects.get_or_create(text=text, defaults={"position": position})
    passed = Video.objects.passed()
    failing = passed.filter(tags__contains=TRANSCODE_FAILS)
    for video in failing.filter(transcode_jobs=None):
        submit_transcode(video, kind=TranscodeKind.STANDARD, operator=operator)
    special = list(passed.filter(tags__contains=NARROWBAND_FAILS)[:1])
    ordinary = passed.exclude(
        Q(pk__in=[video.pk for video in special])
        | Q(tags__contains=TRANSCODE_FAILS)
        | Q(snapshot_status=SnapshotStatus.NONE)
    )
    chosen = [*ordinary.newest_first()[: RECOMMENDED - len(special)], *special]
    for video in chosen:
        recommend_video(video, operator=operator, options=Options(narrowband=True, prefetch=True))
    return len(chosen)
