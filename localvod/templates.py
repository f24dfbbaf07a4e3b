"""The template groups, and the encoder settings of each template."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

HLS_TAG = "streams:hls"
NO_TRANSCODE = "VOD_NO_TRANSCODE"


@dataclass(frozen=True)
class Encoder:
    """Settings of x264; the template has the cap on the bitrate."""

    preset: str
    crf: float
    options: tuple[str, ...] = ()  # of x264, `key=value`
    filters: tuple[str, ...] = ()  # of ffmpeg, between scaling and encoding
    audio_bitrate: int = 96  # kbit/s


@dataclass(frozen=True)
class Template:
    """One output of a group; VOD's transcoding template."""

    id: str
    definition: str
    long_side: int  # largest width of a landscape, or height of a portrait picture, in pixels
    bitrate_cap: int  # of the video stream, kbit/s
    encoder: Encoder
    codec: str = "H.264"
    narrowband_type: str = "0"
    format: str = "mp4"

    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the output for a source: same shape, even, never larger."""
        scale = min(1.0, self.long_side / max(width, height))
        return _even(width * scale), _even(height * scale)


@dataclass(frozen=True)
class TemplateGroup:
    id: str
    name: str
    templates: tuple[Template, ...]

    def templates_for(self, tags: Collection[str]) -> tuple[Template, ...]:
        """The templates for a video with these tags: `streams:hls` makes every stream HLS."""
        if HLS_TAG not in tags:
            return self.templates
        return tuple(replace(template, format="m3u8") for template in self.templates)


_STANDARD = Encoder(preset="medium", crf=23)
# No psychovisual tuning and a slower search: the same measured quality for fewer bits. The caps are
# 30 % below the standard ones, so that busy clips shrink too, and below those that VOD documents
# for Narrowband HD (400 and 800 kbit/s at these sizes).
_NARROWBAND = Encoder(
    preset="slower",
    crf=25.5,
    options=("rc-lookahead=60", "bframes=6", "psy=0", "aq-mode=3", "aq-strength=0.8"),
    audio_bitrate=64,
)


def groups(standard_id: str, narrowband_id: str) -> Mapping[str, TemplateGroup]:
    """The groups by id: standard, Narrowband HD, and one without outputs."""
    standard = TemplateGroup(
        standard_id,
        "Standard",
        (
            Template(f"{standard_id}-ld", "LD", 640, 400, _STANDARD),
            Template(f"{standard_id}-sd", "SD", 848, 800, _STANDARD),
        ),
    )
    narrowband = TemplateGroup(
        narrowband_id,
        "Narrowband HD 1.0",
        (
            Template(
                f"{narrowband_id}-ld", "LD-NBV1", 640, 280, _NARROWBAND, narrowband_type="1.0"
            ),
            Template(
                f"{narrowband_id}-sd", "SD-NBV1", 848, 560, _NARROWBAND, narrowband_type="1.0"
            ),
        ),
    )
    none = TemplateGroup(NO_TRANSCODE, "No transcoding", ())
    return {group.id: group for group in (standard, narrowband, none)}


def _even(pixels: float) -> int:
    return max(2, int(pixels) // 2 * 2)
