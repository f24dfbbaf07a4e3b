"""The mirror of VOD, the log of decisions, and the work that follows."""

from videos.models.attention import AttentionQuerySet, NeedsAttention
from videos.models.cdn import CdnQuota, CdnTask, CdnTaskQuerySet
from videos.models.claim import ReviewClaim, ReviewClaimQuerySet
from videos.models.count import CountKind, VideoCount
from videos.models.deletion import VideoDeletion
from videos.models.events import VodEvent
from videos.models.evidence import Evidence, EvidenceQuerySet
from videos.models.machine_review import MachineReview
from videos.models.preferences import ReviewPreferences
from videos.models.pruning import LogPruning
from videos.models.reconcile import ReconcileRun
from videos.models.review import (
    ReasonTemplate,
    ReviewDecision,
    ReviewDecisionQuerySet,
    ReviewNote,
    ReviewTask,
    ReviewTaskQuerySet,
)
from videos.models.status import (
    CensorStatus,
    Decision,
    SnapshotStatus,
    Source,
    TaskCause,
    TranscodeKind,
    TranscodeStatus,
)
from videos.models.sync import SyncRun
from videos.models.takedown import Takedown, TakedownQuerySet
from videos.models.threshold import LabelThreshold
from videos.models.transcoding import TranscodeJob, TranscodeJobQuerySet
from videos.models.video import Video, VideoQuerySet
