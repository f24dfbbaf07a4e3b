"""The demo's data: four recommendations, two jobs that fail on purpose, reason templates.

`localvod demo` tags its clips, and the clips whose jobs fail.
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

_MARK = "localvod:demo"
_RECOMMENDED = 4
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
_NARROWBAND_FAILS = "narrowband:fail"
_TRANSCODE_FAILS = "transcode:fail"


def clips() -> VideoQuerySet:
    """Return the clips of the demo; others may have uploaded more."""
    return Video.objects.visible().filter(tags__contains=_MARK)


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
    """Create the demo's data unless there are recommendations. Returns the number of new ones."""
    if Recommendation.objects.exists():
        return 0
    for position, text in enumerate(REASONS, start=1):
        ReasonTemplate.objects.get_or_create(text=text, defaults={"position": position})
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
