"""Bytes and VMAF of Narrowband HD and of the standard group: `python -m benchmarks.narrowband`.

Renders the demo clips, transcodes each with both template groups and prints a Markdown table.
"""

import argparse
import statistics
import tempfile
import threading
from collections.abc import Sequence
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
    """Bytes and VMAF of the standard and the Narrowband HD output of one height."""

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--clips", type=clip_count, default=DEFAULT_COUNT, metavar="N", help="default %(default)s"
    )
    arguments = parser.parse_args()
    results: list[Comparison] = []
    with (
        tempfile.TemporaryDirectory(prefix="narrowband-") as folder,
        tqdm(total=arguments.clips, desc="narrowband", unit="clip", disable=None) as bar,
    ):
        for clip in clips(arguments.clips):
            results += compare(clip, Path(folder))
            bar.update()
    print(table(results))


def compare(clip: Clip, folder: Path) -> list[Comparison]:
    """Render a clip and compare both outputs of each definition. Raises MediaError."""
    source = folder / f"{clip.reference_id}.mp4"
    size, seconds = clip.size, clip.seconds
    render(clip.scene, clip.sound, source, size=size, seconds=seconds, seed=clip.seed)
    by_id = groups("standard", "narrowband")
    pairs = zip(by_id["standard"].templates, by_id["narrowband"].templates, strict=True)
    shape = f"{size[0]}x{size[1]}, {seconds} s"
    return [
        _compare_outputs(clip.title, shape, source, standard, narrowband)
        for standard, narrowband in pairs
    ]


def table(results: Sequence[Comparison]) -> str:
    """A Markdown table. Its last row is the total of all clips."""
    total = Comparison(
        clip="**all**",
        source="",
        definition="",
        standard_bytes=sum(result.standard_bytes for result in results),
        narrowband_bytes=sum(result.narrowband_bytes for result in results),
        standard_vmaf=statistics.fmean(result.standard_vmaf for result in results),
        narrowband_vmaf=statistics.fmean(result.narrowband_vmaf for result in results),
    )
    return "\n".join([_HEAD, *(_row(result) for result in [*results, total])])


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


if __name__ == "__main__":
    main()
