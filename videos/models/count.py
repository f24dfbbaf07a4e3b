from django.db import models
from django.db.models import Q


class CountKind(models.IntegerChoices):
    """What `VideoCount.key` means."""

    TOTAL = 0  # nothing: it is 0
    DAY = 1  # the UTC day of `creation_time`: days since 1970-01-01
    UPLOADER = 2  # the uploader's id; videos without uploader are not counted


class VideoCount(models.Model):
    """Numbers of videos on PostgreSQL. SQLite counts its videos when asked: the table stays empty.

    The number for a key is the sum of its rows. A trigger on `Video` adds a row for each change and
    updates none, so that no writer waits for another. `catalogue.compact` replaces the rows of a
    key by their sum, in one statement.
    """

    kind = models.SmallIntegerField(choices=CountKind)
    key = models.BigIntegerField()
    censor_status = models.CharField(max_length=8)
    is_visible = models.BooleanField()
    number = models.BigIntegerField()
    is_new = models.BooleanField()  # not yet seen by `compact`

    class Meta:
        indexes = [
            models.Index(
                fields=["kind", "key", "is_visible", "censor_status", "number"],
                name="video_count_key",
            ),
            models.Index(fields=["id"], name="video_count_new", condition=Q(is_new=True)),
        ]

    def __str__(self) -> str:
        return f"{CountKind(self.kind).label} {self.key} {self.censor_status}: {self.number}"
