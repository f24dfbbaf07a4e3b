"""`localvod demo`: flags, a progress bar on stderr, one line of result on stdout."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tqdm import tqdm

from localvod.demo.clips import clips
from localvod.demo.seeding import Seeder, SeedResult
from localvod.settings import raw_from_environment
from localvod.uploader import Uploader, UploadError, add_connection_arguments

DEFAULT_COUNT = 24
LARGEST_COUNT = 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `demo`."""
    settings = raw_from_environment()
    add_connection_arguments(parser)
    parser.add_argument(
        "--clips",
        type=clip_count,
        default=DEFAULT_COUNT,
        metavar="N",
        help="number of clips (default %(default)s), plus one corrupt upload",
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=Path(settings.state),
        help="folder for files until they are uploaded (default %(default)s)",
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
    """Make and upload the missing clips; returns the exit status, 1 if any failed."""
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
            result = seeder.seed(wanted, bar.update)
    except UploadError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. Run the same command again to continue.", file=sys.stderr)
        return 130
    return _report(result)


def _report(result: SeedResult) -> int:
    for reference_id, reason in sorted(result.failed.items()):
        print(f"{reference_id}: {reason}", file=sys.stderr)
    uploaded, present, failed = map(len, (result.uploaded, result.present, result.failed))
    print(f"Demo clips: {uploaded} uploaded, {present} already there, {failed} failed.")
    return 1 if result.failed else 0


def clip_count(text: str) -> int:
    """Parse the number of clips. Raises ArgumentTypeError."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LARGEST_COUNT:
        raise argparse.ArgumentTypeError(
            f"the number of clips must be a whole number from 1 to {LARGEST_COUNT}, not {text!r}"
        )
    return int(text)
