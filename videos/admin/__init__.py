"""The desk's pages about videos, reviews, takedowns and the work in VOD and the CDN."""

from videos.admin.cdn import CdnTaskAdmin
from videos.admin.events import VodEventAdmin
from videos.admin.evidence import EvidenceAdmin
from videos.admin.machine_review import MachineReviewAdmin
from videos.admin.pruning import LogPruningAdmin
from videos.admin.reconcile import ReconcileRunAdmin
from videos.admin.review import ReasonTemplateAdmin, ReviewTaskAdmin
from videos.admin.sync import SyncRunAdmin
from videos.admin.takedown import TakedownAdmin
from videos.admin.threshold import LabelThresholdAdmin
from videos.admin.transcoding import TranscodeJobAdmin
from videos.admin.uploader import UploaderPageAdmin
from videos.admin.video import VideoAdmin
