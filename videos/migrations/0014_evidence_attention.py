from django.db import migrations, models

from shortvideo.migration_operations import AddIndexConcurrently


class Migration(migrations.Migration):
    """The index of the evidence that waits for an operator, built while the table is in use."""

    atomic = False

    dependencies = [
        ("videos", "0013_gone_files"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="evidence",
            index=models.Index(
                condition=models.Q(("attention_at__isnull", False)),
                fields=["attention_at"],
                name="evidence_attention",
            ),
        ),
    ]
