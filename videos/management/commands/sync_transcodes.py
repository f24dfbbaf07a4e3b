"""`manage.py sync_transcodes`: read the progress of the running transcoding jobs."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shortvideo.cloud import CloudError
from videos import sync
from videos.management.commands.sync_videos import read_with_bar
from videos.sync.single import transcoding_videos


class Command(BaseCommand):
    help = "Read the videos that are being transcoded: progress, outcome and files."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            total = transcoding_videos().count()
            read_with_bar(self, "sync_transcodes", sync.check_transcodes(), total=total)
        except CloudError as error:
            raise CommandError(f"{error} Run the command again.") from error
