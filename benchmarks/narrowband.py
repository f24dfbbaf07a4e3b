"""`localvod report`: bytes and VMAF of Narrowband HD and of the standard group, clip by clip."""

from __future__ import annotations

import argparse
import tempfile
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from localvod.demo.clips import Clip, clips
from localvod.demo.command import DEFAULT_COUNT, clip_count
from localvod.demo.rendering import render
from localvod.media.transcode import transcode
from localvod.media.vmaf import vmaf
from localvod.templates import Template, groups

_HEAD = (
    "| clip | source | definition | standard bytes | narrowband bytes | saved "
    "| standard VMAF | narrowband VMAF |\n| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |"
)


@dataclass(frozen=True)
class Comparison:
    """The bytes and the VMAF of two outputs of one height."""

    clip: str
    source: str
    definition: str
    standard_bytes: int
    narrowband_bytes: int
    standard_vmaf: float
    narrowband_vmaf: float

    @property
    def saved(self) -> float:
        """The share of the standard output's bytes that Narrowband HD saves."""
        return 1 - self.narrowband_bytes / self.standard_bytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `report`."""
    parser.add_argument(
        "--clips", type=clip_count, default=DEFAULT_COUNT, metavar="N", help="default %(default)s"
    )


def run(arguments: argparse.Namespace) -> int:
    """Render the demo clips, transcode them with both groups and print the table; returns 0."""
    results = []
    with (
        tempfile.TemporaryDirectory(prefix="localvod-report-") as folder,
        tqdm(total=arguments.clips, desc="narrowband", unit="clip", disable=None) as bar,
    ):
        for clip in clips(arguments.clips):
            results += compare(clip, Path(folder))
            bar.update()
    print(table(results))
    return 0


def compare(clip: Clip, folder: Path) -> list[Comparison]:
    """Compare both outputs of each definition. Raises MediaError."""
    source = folder / f"{clip.reference_id}.mp4"
    size, seconds = clip.size, clip.seconds
    render(clip.scene, clip.sound, source, size=size, seconds=seconds, seed=clip.seed)
    offered = groups("standard", "narrowband")
    pairs = zip(offered["standard"].templates, offered["narrowband"].templates, strict=True)
    shape = f"{size[0]}x{size[1]}, {seconds} s"
    return [
        _compare_outputs(clip.title, shape, source, standard, saving) for standard, saving in pairs
    ]


def table(results: Sequence[Comparison]) -> str:
    """A Markdown table; its last line is for all clips."""
    whole = Comparison(
        clip="**all**",
        source="",
        definition="",
        standard_bytes=sum(result.standard_bytes for result in results),
        narrowband_bytes=sum(result.narrowband_bytes for result in results),
        standard_vmaf=_mean(result.standard_vmaf for result in results),
        narrowband_vmaf=_mean(result.narrowband_vmaf for result in results),
    )
    return "\n".join([_HEAD, *(_row(result) for result in [*results, whole])])


def _compare_outputs(
    title: str, shape: str, source: Path, standard: Template, narrowband: Template
) -> Comparison:
    first = _output(source, standard)
    second = _output(source, narrowband)
    return Comparison(
        clip=title,
        source=shape,
        definition=f"{standard.definition} / {narrowband.definition}",
        standard_bytes=first.stat().st_size,
        narrowband_bytes=second.stat().st_size,
        standard_vmaf=vmaf(source, first),
        narrowband_vmaf=vmaf(source, second),
    )


def _output(source: Path, template: Template) -> Path:
    target = source.with_name(f"{source.stem}-{template.definition}.mp4")
    transcode(source, template, target, lambda _: None, threading.Event())
    return target


def _row(result: Comparison) -> str:
    return (
        f"| {result.clip} | {result.source} | {result.definition} | {result.standard_bytes:,} "
        f"| {result.narrowband_bytes:,} | {result.saved:.0%} | {result.standard_vmaf:.1f} "
        f"| {result.narrowband_vmaf:.1f} |"
    )


def _mean(values: Iterable[float]) -> float:
    all_values = list(values)
    return sum(all_values) / len(all_values) if all_values else 0.0
