"""`localvod demo`: flags, a progress bar on stderr, one line of result on stdout."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tqdm import tqdm

from localvod.demo.clips import clips
from localvod.demo.seeding import Outcome, Seeder
from localvod.settings import raw_from_environment
from localvod.uploader import Uploader, UploadError, add_connection_arguments

DEFAULT_COUNT = 24
LARGEST_COUNT = 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `demo`."""
    settings = raw_from_environment()
    add_connection_arguments(parser)
    parser.add_argument(
        "--clips",
        type=clip_count,
        default=DEFAULT_COUNT,
        metavar="N",
        help="how many clips (default %(default)s); one corrupt upload comes on top",
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=Path(settings.state),
        help="folder in which files wait for their upload (default %(default)s)",
    )
    parser.add_argument(
        "--cdn-domain",
        default=settings.cdn_domain,
        help="host of the avatars' URLs (default: the endpoint)",
    )
    parser.add_argument(
        "--template-group",
        default=settings.standard_group,
        help="group that transcodes the uploads (default %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Make and upload what is not there yet; the exit status is 1 when anything failed."""
    wanted = clips(arguments.clips)
    try:
        with (
            Uploader(
                arguments.endpoint, arguments.access_key_id, arguments.access_key_secret
            ) as vod,
            tqdm(total=len(wanted) + 1, desc="demo clips", unit="clip", disable=None) as bar,
        ):
            seeder = Seeder(
                vod,
                folder=arguments.state / "demo-work",
                play_domain=arguments.cdn_domain or arguments.endpoint,
                template_group=arguments.template_group,
                workers=min(2, os.cpu_count() or 1),
            )
            outcome = seeder.seed(wanted, bar.update)
    except UploadError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; the same command goes on where this one ended.", file=sys.stderr)
        return 130
    return _report(outcome)


def _report(outcome: Outcome) -> int:
    for reference_id, reason in sorted(outcome.failed.items()):
        print(f"{reference_id}: {reason}", file=sys.stderr)
    uploaded, present, failed = map(len, (outcome.uploaded, outcome.present, outcome.failed))
    print(f"Demo clips: {uploaded} uploaded, {present} already there, {failed} failed.")
    return 1 if outcome.failed else 0


def clip_count(text: str) -> int:
    """A count of clips from the command line."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LARGEST_COUNT:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no count of clips: it must be a whole number from 1 to {LARGEST_COUNT}"
        )
    return int(text)
