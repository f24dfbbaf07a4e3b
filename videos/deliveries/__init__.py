"""Handlers, one for each kind of delivery: a batch in, an outcome for each delivery out."""

from shortvideo.outbox.handlers import register
from videos.deliveries.cdn import PrefetchHandler, PurgeHandler
from videos.deliveries.deletion import DeleteVideoHandler
from videos.deliveries.evidence import ArchiveEvidenceHandler
from videos.deliveries.machine_review import SubmitMachineReviewHandler
from videos.deliveries.reading import (
    ProcessEventHandler,
    ReadVideoHandler,
    RereadVideoHandler,
)
from videos.deliveries.review import CreateAuditHandler
from videos.deliveries.takedown import VerifyTakedownHandler
from videos.deliveries.transcoding import SubmitTranscodeHandler

HANDLERS = (
    CreateAuditHandler,
    SubmitTranscodeHandler,
    DeleteVideoHandler,
    ArchiveEvidenceHandler,
    PrefetchHandler,
    PurgeHandler,
    VerifyTakedownHandler,
    SubmitMachineReviewHandler,
    ProcessEventHandler,
    ReadVideoHandler,
    RereadVideoHandler,
)


def register_handlers() -> None:
    for handler in HANDLERS:
        register(handler())
