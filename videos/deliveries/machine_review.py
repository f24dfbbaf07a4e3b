"""submit_machine_review: submit a video for machine review, if VOD does not review by itself."""

from collections.abc import Mapping, Sequence

from django.utils import timezone

from shortvideo.cloud import vod_gateway
from shortvideo.outbox.handlers import Done, Outcome
from shortvideo.outbox.models import Delivery, DeliveryState
from videos.deliveries.video import VideoHandler
from videos.models import CensorStatus, TaskCause, Video
from videos.services.status import send_to_review


class SubmitMachineReviewHandler(VideoHandler):
    """A repeated call makes two verdicts about the same source, which does no harm."""

    kind = "submit_machine_review"

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        [delivery] = batch
        job_id = vod_gateway().submit_machine_review(delivery.subject)
        return {delivery.pk: Done({"job_id": job_id})}

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        """Send the video to review if it was not submitted."""
        if delivery.state != DeliveryState.GIVEN_UP:
            return
        pending = Video.objects.visible().filter(censor_status=CensorStatus.ON_CENSOR)
        video = pending.select_for_update().filter(vod_id=delivery.subject).first()
        if video is not None:
            names = send_to_review(video, TaskCause.MACHINE_FAILED, at=timezone.now())
            video.save(update_fields=names)
