"""Periodic task: keep the counts of videos short."""

from datetime import timedelta

from shortvideo.outbox.periodic import periodic
from videos import catalogue


@periodic("videos.compact_counts", every=timedelta(minutes=1))
def compact_counts() -> None:
    catalogue.compact()
