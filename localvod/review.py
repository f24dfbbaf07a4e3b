"""The machine's verdict on a clip: its rule, and its documented shape.

The first of these decides: a marker in the title (`[pass]`, `[review]`, `[block]`, `[error]`), a
tag (`verdict:block`), the seeded verdict of the video, the default of the server. A tag such as
`hit:weapon:64` names what a suspect clip shows and the top score; else both follow from the id.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from localvod.settings import VERDICTS
from localvod.store.videos import Video

_MARKER = re.compile(rf"\[({'|'.join(VERDICTS)})\]")
# Scene and label, for the verdict "review" and for "block".
_SUSPICIONS = (
    ("porn", "sexy"),
    ("terrorism", "weapon"),
    ("ad", "qrcode"),
    ("live", "smoking"),
    ("logo", "TV"),
)
_FINDINGS = (
    ("porn", "porn"),
    ("terrorism", "bloody"),
    ("ad", "contraband"),
    ("terrorism", "violence"),
    ("logo", "trademark"),
)
_SCENES_OF_LABELS = {label: scene for scene, label in (*_SUSPICIONS, *_FINDINGS)}
SCENES = ("porn", "terrorism", "ad", "live", "logo")
_FRAME_SHARES = (0.2, 0.5, 0.8)  # of the duration


@dataclass(frozen=True, slots=True)
class Frame:
    """One suspect frame: its moment in ms, label, score, and the URL of its image."""

    timestamp: int
    label: str
    score: float
    url: str


def verdict_of(video: Video, default: str) -> str:
    """The verdict on a video: pass, review, block or error."""
    marker = _MARKER.search(video.title)
    if marker:
        return marker[1]
    for tag in video.tag_list:
        name, _, verdict = tag.partition(":")
        if name == "verdict" and verdict in VERDICTS:
            return verdict
    return video.verdict or default


def frame_moments(duration: float) -> list[int]:
    """The moments of suspect frames in ms; `duration` is in seconds."""
    return [int(duration * share * 1000) for share in _FRAME_SHARES]


def _asked_hit(video: Video) -> tuple[str, float] | None:
    """Label and top score that a tag asks for (`hit:weapon:64`)."""
    for tag in video.tag_list:
        name, _, hit = tag.partition(":")
        label, _, score = hit.partition(":")
        if name == "hit" and label in _SCENES_OF_LABELS and score.isdecimal():
            return label, min(100.0, float(score))
    return None


def _scene_of(video: Video, verdict: str) -> tuple[str, str]:
    """Scene and label of a suspicion; the same for each review of a video."""
    if asked := _asked_hit(video):
        return _SCENES_OF_LABELS[asked[0]], asked[0]
    choices = _FINDINGS if verdict == "block" else _SUSPICIONS
    return choices[_number(video.id) % len(choices)]


def suspect_frames(video: Video, verdict: str, urls: Sequence[str]) -> list[Frame]:
    """The suspect frames of a video, without any for "pass"."""
    if verdict == "pass":
        return []
    _, label = _scene_of(video, verdict)
    base = 85.0 if verdict == "block" else 55.0
    moments = frame_moments(video.duration)
    scores = [base + (_number(f"{video.id}{moment}") % 1400) / 100 for moment in moments]
    if asked := _asked_hit(video):
        scores = [max(0.0, asked[1] + score - max(scores)) for score in scores]
    return [
        Frame(moment, label, score, url)
        for moment, score, url in zip(moments, scores, urls, strict=False)
    ]


def audit_result(
    video: Video, verdict: str, suspects: Sequence[Frame], cover_url: str
) -> dict[str, Any]:
    """The documented MediaAuditResult."""
    scene, label = _scene_of(video, verdict) if suspects else ("", "normal")
    overall = scene if suspects else "normal"
    calm = {"Suggestion": "pass", "Label": "normal", "Score": score_text(99.0)}
    scenes = {
        f"{name.capitalize()}Result": _scene(verdict, suspects, label)
        if name == scene
        else _scene("pass", (), "normal")
        for name in SCENES
    }
    return {
        "Suggestion": verdict,
        "Label": overall,
        "AbnormalModules": "video" if suspects else "",
        "VideoResult": {"Suggestion": verdict, "Label": overall, **scenes},
        "ImageResult": [
            {
                "Type": "cover",
                "Url": cover_url,
                "Suggestion": "pass",
                "Label": "normal",
                "Result": [{"Scene": "porn", **calm}],
            }
        ]
        if cover_url
        else [],
        "TextResult": [{"Type": "title", "Content": video.title, "Scene": "antispam", **calm}],
        "AudioResult": [{"Scene": "antispam", **calm}],
    }


def _scene(suggestion: str, suspects: Sequence[Frame], label: str) -> dict[str, Any]:
    scores = [frame.score for frame in suspects] or [0.0]
    return {
        "Suggestion": suggestion,
        "Label": label,
        "MaxScore": score_text(max(scores)),
        "AverageScore": score_text(sum(scores) / len(scores)),
        "CounterList": [{"Label": label, "Count": len(suspects)}] if suspects else [],
        "TopList": [
            {
                "Label": frame.label,
                "Score": score_text(frame.score),
                "Timestamp": str(frame.timestamp),
                "Url": frame.url,
            }
            for frame in suspects
        ],
    }


def score_text(score: float) -> str:
    """A score from 0 to 100 as VOD writes it, with ten decimals."""
    return f"{score:.10f}"


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
