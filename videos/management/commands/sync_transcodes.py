"""`manage.py sync_transcodes`: ask VOD how the running transcoding jobs are doing."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from shortvideo.cloud import CloudError
from videos import sync
from videos.management.commands.sync_videos import counts_of
from videos.sync import Tally
from videos.sync.single import transcoding_videos


class Command(BaseCommand):
    help = "Read the videos that are being transcoded: progress, outcome and files."

    def handle(self, *args: Any, **options: Any) -> None:
        tally = Tally()
        try:
            with tqdm(total=transcoding_videos().count(), unit="video", disable=None) as bar:
                for tally in sync.check_transcodes():
                    bar.update(tally.seen - bar.n)
        except CloudError as error:
            raise CommandError(f"{error} Run the command again.") from error
        self.stdout.write(counts_of(tally))
        if tally.problems:
            raise CommandError("\n".join(tally.problems))
