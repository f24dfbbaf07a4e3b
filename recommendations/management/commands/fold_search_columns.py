from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import Uploader
from recommendations.models import Recommendation
from shortvideo.pacing import WALKED_AT_ONCE, Pace
from shortvideo.progress import Progress
from shortvideo.text import folded
from videos.models import Video

_COLUMNS = (  # the text, and its folded form
    (Video, "title", "title_search"),
    (Uploader, "user_name", "name_search"),
    (Recommendation, "title", "title_search"),
)


class Command(BaseCommand):
    help = (
        "Write the search columns again where this version folds text in another way. Needed after "
        "an upgrade that says so; may run at any time, also twice."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        count = sum(_fold(*column) for column in _COLUMNS)
        self.stdout.write(f"{count} rows changed.")


def _fold(model: Any, text_field: str, search_field: str) -> int:
    """Correct one column in one walk through its table. Returns the number of changed rows."""
    pace, count, last_pk = Pace(WALKED_AT_ONCE), 0, 0
    rows = model.objects.order_by("pk").values_list("pk", text_field, search_field)
    with Progress(model._meta.label, total=rows.count(), unit="row") as bar:
        while found := list(rows.filter(pk__gt=last_pk)[:WALKED_AT_ONCE]):
            last_pk = found[-1][0]
            changes = [(pk, text) for pk, text, search in found if search != folded(text)]
            for batch in pace.batches(changes):
                with pace.transaction():
                    for pk, text in batch:  # a row that was renamed meanwhile is right already
                        row = model.objects.filter(pk=pk, **{text_field: text})
                        count += row.update(**{search_field: folded(text)})
            bar.update(len(found))
    return count
