from django.db import migrations, models

from shortvideo.migration_operations import AddIndexConcurrently, RemoveIndexConcurrently


class Migration(migrations.Migration):
    """What is held leaves the index that workers read."""

    atomic = False

    dependencies = [
        ("outbox", "0003_held"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("finished_at", None), ("is_held", False)),
                fields=["kind", "due_at", "id"],
                name="outbox_ready",
            ),
        ),
        RemoveIndexConcurrently(model_name="delivery", name="outbox_claim"),
    ]
