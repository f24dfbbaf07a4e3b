"""The desk's pages about videos: lists, the page of one video, the review queue, the work."""

from videos.admin.cdn import CdnTaskAdmin
from videos.admin.jobs import TranscodeJobAdmin, VodEventAdmin
from videos.admin.review import MachineReviewAdmin, ReasonTemplateAdmin, ReviewTaskAdmin
from videos.admin.syncs import ReconcileRunAdmin, SyncRunAdmin
from videos.admin.video import VideoAdmin

__all__ = [
    "CdnTaskAdmin",
    "MachineReviewAdmin",
    "ReasonTemplateAdmin",
    "ReconcileRunAdmin",
    "ReviewTaskAdmin",
    "SyncRunAdmin",
    "TranscodeJobAdmin",
    "VideoAdmin",
    "VodEventAdmin",
]
