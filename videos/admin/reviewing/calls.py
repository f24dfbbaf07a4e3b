"""The calls of the review page's script: POST with form data, JSON back.

An answer that is not 200 has `sentence`, safe to show, and `problem`: `login`, `permission`,
`input`, `changed` (something else stands by now; `clip` is the clip as it is now), `gone` or
`refused`.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.admin import site
from django.forms import Form
from django.http import Http404, HttpRequest, JsonResponse
from django.middleware.csrf import get_token
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Operator
from accounts.services import operator_of
from shortvideo.cloud import CloudRejected, CloudUnavailable
from shortvideo.errors import InvalidState, NeedsConfirmation
from shortvideo.middleware import current_request_id
from shortvideo.text import is_blank
from videos.admin.desk import queue_filling
from videos.admin.media import fetch_sources
from videos.admin.reviewing.clip import clips_as_json, sources_of
from videos.admin.reviewing.forms import (
    BeatForm,
    ClaimForm,
    ClipsForm,
    DecideForm,
    EscalateForm,
    NoteForm,
    PageForm,
    PastForm,
    RememberForm,
    SkipForm,
    UndoForm,
)
from videos.admin.seen import review_lookups, shown_standing
from videos.mirror.asking import ILLEGAL_STATUS, NO_STREAM
from videos.mirror.fetching import read_later
from videos.models import CensorStatus, Decision, ReviewClaim, ReviewDecision, Source, Video
from videos.services import (
    DecisionInput,
    Seen,
    add_note,
    check_unclaimed,
    choose_for_review,
    claim_clip,
    claim_clips,
    describe_review,
    end_claims,
    escalate_video,
    last_own_decision,
    may_play,
    missing_files_reason,
    not_named_reason,
    renew_claims,
    review_video,
    undo_milliseconds,
    undo_review,
    unplayable_reason,
    waiting_count,
)

_PERMISSION = "videos.review_video"
_F = TypeVar("_F", bound=Form)
_View = Callable[[HttpRequest], JsonResponse]
_End = ReviewClaim.End


class _BadInput(Exception):
    """The script sent a value that the form refuses; str() names it."""


def _problem(problem: str, sentence: object, status: int, **more: Any) -> JsonResponse:
    return JsonResponse({"problem": problem, "sentence": str(sentence), **more}, status=status)


def _call(view: _View) -> _View:
    """Require a login and the permission to review. Answer every refusal in JSON."""

    @wraps(view)
    def answer(request: HttpRequest) -> JsonResponse:
        if not site.has_permission(request):
            return _problem("login", _("Your session has ended. Log in to go on."), 401)
        if not request.user.has_perm(_PERMISSION):
            return _problem("permission", _("You may not review videos."), 403)
        try:
            return view(request)
        except _BadInput as error:
            return _problem("input", error, 400)
        except InvalidState as error:
            is_question = isinstance(error, NeedsConfirmation)
            return _problem("changed" if is_question else "refused", error, 409)
        except (Http404, Video.DoesNotExist):
            return _problem("gone", _("The clip is gone: it was deleted."), 409)

    return never_cache(answer)


def _read(form_class: type[_F], request: HttpRequest) -> dict[str, Any]:
    """Return the values of the request. Raises _BadInput, which names the first wrong field."""
    form = form_class(request.POST)
    if not form.is_valid():
        field, errors = next(iter(form.errors.items()))
        label = form.fields[field].label or field if field in form.fields else ""
        raise _BadInput(f"{label}: {errors[0]}" if label else errors[0])
    return form.cleaned_data


def _own_claim(operator: Operator, values: dict[str, Any]) -> ReviewClaim:
    """The claim of the operator's page, open or ended. Raises Http404."""
    claims = ReviewClaim.objects.of_page(values["page"]).filter(operator=operator)
    claim = claims.select_related("video", "decision").filter(pk=values["claim"]).first()
    if claim is None:
        raise Http404
    if values["shown_seconds"] is not None and claim.ended_at is None:
        claim.shown_at = timezone.now() - timedelta(seconds=values["shown_seconds"])
        claim.save(update_fields=["shown_at"])
    return claim


def _decided(review: ReviewDecision) -> dict[str, Any]:
    return {
        "decision": review.pk,
        "label": _decision_label(review),
        "undoMilliseconds": undo_milliseconds(review),
    }


def _decision_label(review: ReviewDecision) -> str:
    """The clip and what was decided, with the reason of a block."""
    named = {
        "title": review.video.title.strip() or _("Untitled"),
        "decision": review.get_decision_display(),
        "reason": review.template or review.reason,
    }
    if review.decision == Decision.BLOCKED:
        return _("“%(title)s” %(decision)s: %(reason)s") % named
    return _("“%(title)s” %(decision)s") % named


@_call
@require_POST
def clips(request: HttpRequest) -> JsonResponse:
    """Claim clips until the page holds `limit`. Answers all clips that it holds, and the count.

    `preparing` says what the demo is doing, "" if nothing.
    """
    operator, values = operator_of(request), _read(ClipsForm, request)
    held = ReviewClaim.objects.of_page(values["page"]).open().filter(operator=operator)
    claims = list(held.select_related("video__uploader").order_by("pk"))
    claims += claim_clips(
        operator,
        values["page"],
        limit=max(0, values["limit"] - len(claims)),
        order=values["order"],
        skipped_since=values["skipped_since"],
    )
    return JsonResponse(
        {
            "clips": clips_as_json(operator, claims),
            "waiting": waiting_count(),
            "preparing": queue_filling()["preparing"],
        }
    )


@_call
@require_POST
def play(request: HttpRequest) -> JsonResponse:
    """Ask VOD for URLs of a claimed clip whose own sources do not play; `sentence` says why not.

    The mirror reads the clip's files later.
    """
    operator, values = operator_of(request), _read(ClaimForm, request)
    video = _own_claim(operator, values).video
    if not may_play(operator, video):
        return JsonResponse({"sources": [], "sentence": missing_files_reason(operator, video)})
    try:
        sources = fetch_sources(video)
    except CloudRejected as error:
        return JsonResponse({"sources": [], "sentence": _no_source(operator, video, error)})
    except CloudUnavailable as error:
        return JsonResponse({"sources": [], "sentence": str(error)})
    if sources and not video.files:
        read_later(video.vod_id)
    return JsonResponse({"sources": sources, "sentence": ""})


def _no_source(operator: Operator, video: Video, error: CloudRejected) -> str:
    """Why VOD plays no file of the clip to this server."""
    if error.code == ILLEGAL_STATUS and not video.is_passed:
        return missing_files_reason(operator, video) or not_named_reason()
    if error.code == NO_STREAM:
        return _("VOD has no stream of this clip. An operator submits a transcoding job.")
    return str(error)


@_call
@require_POST
def beat(request: HttpRequest) -> JsonResponse:
    """Extend the page's claims; the moderator was last active `idle_seconds` ago."""
    values = _read(BeatForm, request)
    held = renew_claims(values["page"], idle=timedelta(seconds=values["idle_seconds"]))
    return JsonResponse({"held": held})


@_call
@require_GET
def news(request: HttpRequest) -> JsonResponse:
    """Say what became of the page's clips: `seen` and sources, or who decided and when.

    The page asks about once a second: four indexed queries, no write.
    """
    form = PageForm(request.GET)
    if not form.is_valid():
        raise _BadInput(_("The page has no name."))
    asked = request.GET.get("claims", "").split(",")[:5]
    keys = [int(pk) for pk in asked if pk.isdecimal() and len(pk) < 19]  # 64 bits
    claims = ReviewClaim.objects.of_page(form.cleaned_data["page"])
    found = claims.filter(operator=operator_of(request), pk__in=keys)
    found = found.select_related("video").prefetch_related(*review_lookups("video__"))
    return JsonResponse({"claims": [_news(operator_of(request), claim) for claim in found]})


def _news(operator: Operator, claim: ReviewClaim) -> dict[str, Any]:
    standing = shown_standing(claim.video)
    review = describe_review(claim.video, standing.decision)
    return {
        "claim": claim.pk,
        "isOpen": claim.ended_at is None,
        "end": claim.end,
        "seen": str(standing.seen),
        "sentence": " ".join([review, *standing.news(Seen())]),
        "sources": sources_of(operator, claim.video),
    }


@_call
@require_GET
def session(request: HttpRequest) -> JsonResponse:
    """The CSRF token of the present session: after a login in another tab the page needs it."""
    return JsonResponse({"operator": operator_of(request).pk, "token": get_token(request)})


@_call
@require_POST
def decide(request: HttpRequest) -> JsonResponse:
    """Decide about a claimed clip. Sent again, it answers the decision that was made.

    To approve a clip that the page shows as blocked needs a reason, one that has no file to play
    needs `is_confirmed`.
    """
    operator, values = operator_of(request), _read(DecideForm, request)
    claim = _own_claim(operator, values)
    if claim.decision is not None and _is_repeated(claim, claim.decision, values):
        return JsonResponse(_decided(claim.decision))
    if not values["is_confirmed"]:
        check_unclaimed(claim.video, page=values["page"])
    template, seen = values["template"], Seen.parse(values["seen"])
    lifts = values["decision"] == Decision.NORMAL and seen.censor_status == CensorStatus.FAIL
    if lifts and is_blank(values["reason"]):
        raise _BadInput(_("A reason is required to lift a block."))
    new = DecisionInput(
        Decision(values["decision"]),
        Source.ADMIN,
        operator=operator,
        reason=values["reason"],
        comment=values["comment"],
        template=template,
        policy=template.policy if template else "",
        request_id=current_request_id(),
    )
    try:
        if new.decision == Decision.NORMAL and not values["is_confirmed"]:
            _check_playable(claim.video)
        review = review_video(claim.video, new, seen=seen, claim=claim)
    except NeedsConfirmation as error:
        return _problem("changed", error, 409, clip=_clip_now(operator, values["page"], claim))
    if review.request_id != new.request_id:  # it was made before: nothing has ended the claim
        end_claims(ReviewClaim.objects.filter(pk=claim.pk), _End.LEFT)
    return JsonResponse(_decided(review))


def _check_playable(video: Video) -> None:
    """Raise NeedsConfirmation with the reason if the video has no file to play."""
    if reason := unplayable_reason(video):
        raise NeedsConfirmation(_("%(reason)s Approve again to confirm.") % {"reason": reason})


def _is_repeated(claim: ReviewClaim, made: ReviewDecision, values: dict[str, Any]) -> bool:
    """Whether the page has made this decision already, and the answer was lost."""
    sent = (values["decision"], values["reason"], values["comment"])
    return claim.end == _End.DECIDED and (made.decision, made.reason, made.comment) == sent


def _clip_now(operator: Operator, page: UUID, claim: ReviewClaim) -> dict[str, Any]:
    """The clip as it stands, claimed by the page again if its claim has ended."""
    claim = claim_clip(operator, page, Video.objects.visible().get(pk=claim.video_id))
    return clips_as_json(operator, [claim])[0]


@_call
@require_POST
def skip(request: HttpRequest) -> JsonResponse:
    """Leave the clip to others. The queue does not hand it to this operator for 12 hours."""
    values = _read(SkipForm, request)
    claim = _own_claim(operator_of(request), values)
    end_claims(
        ReviewClaim.objects.filter(pk=claim.pk), _End.LEFT if values["is_left"] else _End.SKIPPED
    )
    return JsonResponse({})


@_call
@require_POST
def undo(request: HttpRequest) -> JsonResponse:
    """Undo a decision of the operator; the clip comes back, claimed by the page."""
    operator, values = operator_of(request), _read(UndoForm, request)
    decisions = ReviewDecision.objects.select_related("video").filter(operator=operator)
    decision = decisions.filter(pk=values["decision"]).first()
    if decision is None:
        raise InvalidState(_("You have made no such decision."))
    undo_review(decision, operator=operator, request_id=current_request_id())
    claim = claim_clip(operator, values["page"], decision.video)
    claim.video.refresh_from_db()
    return JsonResponse({"clip": clips_as_json(operator, [claim])[0]})


@_call
@require_POST
def past(request: HttpRequest) -> JsonResponse:
    """Return to the operator's last decision before `before`: its clip, claimed by the page.

    `clip` is None if there is no such decision (`decision` is None too), or if another page holds
    the clip. `sentence` says which.
    """
    operator, values = operator_of(request), _read(PastForm, request)
    decision = last_own_decision(operator, before=values["before"])
    if decision is None:
        sentence = _("You have decided about no clip before.")
        return JsonResponse({"decision": None, "clip": None, "sentence": sentence})
    found: dict[str, Any] = {"decision": decision.pk, "clip": None, "sentence": ""}
    try:
        claim = claim_clip(operator, values["page"], decision.video)
    except NeedsConfirmation as error:
        return JsonResponse(found | {"sentence": str(error)})
    return JsonResponse(found | {"clip": clips_as_json(operator, [claim])[0]})


@_call
@require_POST
def note(request: HttpRequest) -> JsonResponse:
    """Write a note for colleagues. The clip stays on the page."""
    operator, values = operator_of(request), _read(NoteForm, request)
    claim = _own_claim(operator, values)
    add_note(claim.video, operator=operator, text=values["text"])
    return JsonResponse({"clip": clips_as_json(operator, [claim])[0]})


@_call
@require_POST
def escalate(request: HttpRequest) -> JsonResponse:
    """Give the clip to a colleague or a role."""
    operator, values = operator_of(request), _read(EscalateForm, request)
    claim = _own_claim(operator, values)
    to = values["operator"] or values["role"]
    escalate_video(
        claim.video, operator=operator, note=values["text"], to=to, request_id=current_request_id()
    )
    return JsonResponse({"label": _("Escalated to %s.") % to})


@_call
@require_POST
def remember(request: HttpRequest) -> JsonResponse:
    """Keep the speed or the order that the operator has just chosen on the page."""
    values = _read(RememberForm, request)
    chosen = {name: values[name] for name in ("speed_percent", "order") if values[name]}
    choose_for_review(operator_of(request), **chosen)
    return JsonResponse({})


@_call
@require_POST
def leave(request: HttpRequest) -> JsonResponse:
    """Free the page's clips: it is being closed."""
    values = _read(PageForm, request)
    claims = ReviewClaim.objects.of_page(values["page"]).filter(operator=operator_of(request))
    end_claims(claims, _End.LEFT)
    return JsonResponse({})
