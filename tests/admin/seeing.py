"""Pages that an operator saw, what changes meanwhile, and the buttons that they press."""

import re
from html import unescape
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import Desk, seen_in
from tests.factories import make_operator, make_video
from tests.support.console import Console
from videos.models import (
    CensorStatus,
    Decision,
    MachineReview,
    ReviewDecision,
    ReviewTask,
    Source,
    Video,
)
from videos.services import DecisionInput, review_video


def pending(**values: Any) -> Video:
    return make_video(censor_status=CensorStatus.CHECK, **values)


def opened(desk: Desk, video: Video) -> list[str]:
    """Open the page of a video. Returns what it showed, as each of its buttons sends it."""
    url = reverse("admin:videos_video_change", args=[video.pk])
    return seen_in(desk.client.get(url))[:1]


def listed(desk: Desk, name: str = "videos_video_changelist") -> list[str]:
    """Open a list. Returns what it showed, as its form sends it."""
    return seen_in(desk.client.get(reverse(f"admin:{name}")))


def press(desk: Desk, action: str, *rows: Model, **fields: Any) -> Any:
    return desk.choose(action, *rows, confirmed="1", **fields)


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return unescape(response.content.decode())


def block(video: Video, desk: Desk, reason: str = "child abuse") -> ReviewDecision:
    new = DecisionInput(Decision.BLOCKED, Source.ADMIN, operator=desk.operator, reason=reason)
    return review_video(video, new)


def approve(video: Video, desk: Desk) -> ReviewDecision:
    return review_video(video, DecisionInput(Decision.NORMAL, Source.ADMIN, operator=desk.operator))


def machine_review(video: Video, suggestion: str, **values: Any) -> None:
    """The machine's verdict about a source, as it is stored; it replaces an earlier one."""
    MachineReview.objects.update_or_create(
        video=video,
        source_version=values.pop("source_version", 1),
        defaults={"suggestion": suggestion, "labels": [], "received_at": timezone.now()} | values,
    )


def selected_in(text: str) -> list[str]:
    """The rows that the form of a page sends unless the operator changes it."""
    inputs = re.findall(r'<input [^>]*name="_selected_action"[^>]*>', text)
    sent = [each for each in inputs if 'type="hidden"' in each or "checked" in each]
    return [each.split('value="')[1].split('"')[0] for each in sent]


def by_api(video: Video) -> str:
    console = Console(make_operator("moderator"))
    console.post("createAudit", mediaId=video.vod_id, status="Blocked", reason="gore")
    return f"Blocked by {console.operator} (console API) on "


def by_vod(video: Video) -> str:
    new = DecisionInput(Decision.BLOCKED, Source.VOD, auditor="Wang", reason="gore")
    review_video(video, new)
    return "Blocked by \u2068Wang\u2069 (VOD console) on "


def by_machine(video: Video) -> str:
    review_video(video, DecisionInput(Decision.BLOCKED, Source.MACHINE, reason="gore"))
    return "Blocked by AI review on "


def by_upload(video: Video) -> str:
    Video.objects.filter(pk=video.pk).update(source_version=video.source_version + 1)
    return "Another file was uploaded since you saw it. Nobody has decided about this file"


def by_verdict(video: Video) -> str:
    machine_review(video, "block", labels=["porn", "ad"])
    return (
        "Its review has changed since you saw it. Nobody has decided about this file; its status "
        "is: awaiting review. AI review: block (porn, ad)."
    )


def by_recheck(video: Video) -> str:
    ReviewTask.objects.create(video=video, cause="recheck")
    return "its status is: awaiting review. Reason to look: re-check."


def by_vods_status(video: Video) -> str:
    Video.objects.filter(pk=video.pk).update(censor_status=CensorStatus.FAIL)
    return "Nobody has decided about this file; its status is: blocked."


def follow(desk: Desk, action: str, answer: Any, *rows: Model, **fields: Any) -> str:
    """Confirm a page with these rows. Returns the desk's messages."""
    response = press(desk, action, *rows, seen=seen_in(answer), **fields)
    assert response.status_code == 302, response.content.decode()
    return desk.messages(response)
