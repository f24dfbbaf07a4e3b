"""Renders and uploads the clips in parallel; skips those already uploaded."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, field
from pathlib import Path

from localvod.demo import avatars
from localvod.demo.clips import AJIE, PEOPLE, Clip, Person
from localvod.demo.rendering import render, write_corrupt
from localvod.folders import make_private
from localvod.media.ffmpeg import MediaError
from localvod.media.pool import Pool
from localvod.uploader import Uploader, UploadError, User

MARK = "localvod:demo"
"""A tag of each uploaded file; the console's `seed_demo` knows the demo's clips by it."""
DAMAGED = "upload:damaged"
"""A tag of the corrupt file: `seed_demo` does not count it among the clips."""


@dataclass(frozen=True)
class DemoFile:
    """A file to upload; `make` writes its content to a path."""

    reference_id: str
    title: str
    description: str
    tags: tuple[str, ...]
    person: Person
    make: Callable[[Path], None]


CORRUPT_FILE = DemoFile(
    reference_id="localvod-demo-corrupt",
    title="IMG_4071 (upload broke off)",
    description="Sent from the subway.",
    tags=("phone", DAMAGED),
    person=AJIE,
    make=functools.partial(write_corrupt, seed=404),
)


@dataclass
class SeedResult:
    """The result of a run, by reference id."""

    uploaded: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """Reference id to reason."""


@dataclass(frozen=True)
class Seeder:
    """Uploads to one localvod; `folder` holds the files until they are uploaded."""

    vod: Uploader
    folder: Path
    play_domain: str
    template_group: str
    workers: int

    def seed(self, clips: Sequence[Clip], on_done: Callable[[], object]) -> SeedResult:
        """Upload the avatars, all clips and one corrupt file; calls `on_done` after each file.

        A file that fails is listed in the result and does not stop the run. Raises UploadError
        if localvod cannot be reached.
        """
        make_private(self.folder)
        result, pool = SeedResult(), Pool(self.workers)
        try:
            for person in PEOPLE:
                self.vod.put_file(avatars.key(person), avatars.paint(person))
            files = [*map(_from_clip, clips), CORRUPT_FILE]
            work = {pool.submit(self._upload_if_missing, file): file.reference_id for file in files}
            for future in as_completed(work):
                try:
                    is_new = future.result()
                except (MediaError, UploadError) as error:
                    result.failed[work[future]] = str(error)
                else:
                    (result.uploaded if is_new else result.present).append(work[future])
                on_done()
        finally:
            pool.shutdown()
            shutil.rmtree(self.folder, ignore_errors=True)
        return result

    def _upload_if_missing(self, file: DemoFile) -> bool:
        """Upload one file unless localvod has it. Returns whether it was uploaded."""
        known = self.vod.find(file.reference_id)
        if known is not None and known["Status"] != "Uploading":
            return False
        path = self.folder / f"{file.reference_id}.mp4"
        file.make(path)
        if known is None:
            self._upload(file, path)
        else:
            self.vod.resume(known["VideoId"], path)
        path.unlink()
        return True

    def _upload(self, file: DemoFile, path: Path) -> None:
        person = file.person
        avatar_url = f"http://{self.play_domain}/{avatars.key(person)}"
        self.vod.upload(
            path,
            title=file.title,
            description=file.description,
            tags=(*file.tags, MARK),
            user=User(person.user_id, person.name, avatar_url),
            template_group=self.template_group,
            reference_id=file.reference_id,
        )


def _from_clip(clip: Clip) -> DemoFile:
    return DemoFile(
        reference_id=clip.reference_id,
        title=clip.title,
        description=clip.description,
        tags=clip.all_tags,
        person=clip.person,
        make=functools.partial(
            render, clip.scene, clip.sound, size=clip.size, seconds=clip.seconds, seed=clip.seed
        ),
    )
