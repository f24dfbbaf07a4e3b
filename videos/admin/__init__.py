"""The desk's pages about videos: lists, the page of one video, the review queue, the work."""

from videos.admin.cdn import CdnTaskAdmin
from videos.admin.evidence import EvidenceAdmin, LogPruningAdmin
from videos.admin.review import MachineReviewAdmin, ReasonTemplateAdmin, ReviewTaskAdmin
from videos.admin.sync import ReconcileRunAdmin, SyncRunAdmin
from videos.admin.takedown import TakedownAdmin
from videos.admin.transcoding import TranscodeJobAdmin, VodEventAdmin
from videos.admin.video import VideoAdmin

__all__ = [
    "CdnTaskAdmin",
    "EvidenceAdmin",
    "LogPruningAdmin",
    "MachineReviewAdmin",
    "ReasonTemplateAdmin",
    "ReconcileRunAdmin",
    "ReviewTaskAdmin",
    "SyncRunAdmin",
    "TakedownAdmin",
    "TranscodeJobAdmin",
    "VideoAdmin",
    "VodEventAdmin",
]
