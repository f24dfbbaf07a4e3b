"""The desk's pages about videos: lists, the page of one video, the review queue, the work."""

from videos.admin.review import MachineReviewAdmin, ReasonTemplateAdmin, ReviewTaskAdmin
from videos.admin.video import VideoAdmin
from videos.admin.work import CdnTaskAdmin, SyncRunAdmin, TranscodeJobAdmin, VodEventAdmin

__all__ = [
    "CdnTaskAdmin",
    "MachineReviewAdmin",
    "ReasonTemplateAdmin",
    "ReviewTaskAdmin",
    "SyncRunAdmin",
    "TranscodeJobAdmin",
    "VideoAdmin",
    "VodEventAdmin",
]
