"""The template groups that localvod offers, and the encoder settings behind each template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NO_TRANSCODE = "VOD_NO_TRANSCODE"


@dataclass(frozen=True)
class Encoder:
    """How x264 is asked to work; the cap on the bitrate is the template's."""

    preset: str
    crf: float
    options: tuple[str, ...] = ()
    """x264's own options, `key=value`."""
    filters: tuple[str, ...] = ()
    """ffmpeg filters before the encoder, after scaling."""
    audio_bitrate: int = 96
    """kbit/s."""


@dataclass(frozen=True)
class Template:
    """One output of a group: what VOD calls a transcoding template."""

    id: str
    definition: str
    long_side: int
    """The largest width of a landscape, or height of a portrait picture, in pixels."""
    bitrate_cap: int
    """Of the video stream, kbit/s."""
    encoder: Encoder
    codec: str = "H.264"
    narrowband_type: str = "0"
    format: str = "mp4"

    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        """The output's width and height for a source: same shape, even, never larger."""
        scale = min(1.0, self.long_side / max(width, height))
        return _even(width * scale), _even(height * scale)


@dataclass(frozen=True)
class TemplateGroup:
    id: str
    name: str
    templates: tuple[Template, ...]


STANDARD = Encoder(preset="medium", crf=23)
# Psychovisual tuning off and a slower search: the same picture by measure for fewer bits. The
# caps lie 30 % below the standard ones, so that busy clips shrink too, and within those that VOD
# documents for Narrowband HD (400 and 800 kbit/s at these sizes).
NARROWBAND = Encoder(
    preset="slower",
    crf=25.5,
    options=("rc-lookahead=60", "bframes=6", "psy=0", "aq-mode=3", "aq-strength=0.8"),
    audio_bitrate=64,
)


def groups(standard_id: str, narrowband_id: str) -> Mapping[str, TemplateGroup]:
    """The groups of this VOD by id: standard, Narrowband HD, and the one without any output."""
    standard = TemplateGroup(
        standard_id,
        "Standard",
        (
            Template(f"{standard_id}-ld", "LD", 640, 400, STANDARD),
            Template(f"{standard_id}-sd", "SD", 848, 800, STANDARD),
        ),
    )
    narrowband = TemplateGroup(
        narrowband_id,
        "Narrowband HD 1.0",
        (
            Template(f"{narrowband_id}-ld", "LD-NBV1", 640, 280, NARROWBAND, narrowband_type="1.0"),
            Template(f"{narrowband_id}-sd", "SD-NBV1", 848, 560, NARROWBAND, narrowband_type="1.0"),
        ),
    )
    none = TemplateGroup(NO_TRANSCODE, "No transcoding", ())
    return {group.id: group for group in (standard, narrowband, none)}


def _even(pixels: float) -> int:
    return max(2, int(pixels) // 2 * 2)
