from django.db import migrations, models

from shortvideo.migration_operations import AddIndexConcurrently, AddUniqueConcurrently


class Migration(migrations.Migration):
    """Indexes of tables that are there already, built while they are in use."""

    atomic = False

    dependencies = [
        ("videos", "0008_reconcile_runs"),
    ]

    operations = [
        AddUniqueConcurrently(
            model_name="reviewdecision",
            constraint=models.UniqueConstraint(
                condition=models.Q(("undoes__isnull", False)),
                fields=("undoes",),
                name="decision_undone_once",
            ),
        ),
        AddUniqueConcurrently(
            model_name="transcodejob",
            constraint=models.UniqueConstraint(
                condition=models.Q(("retry_of__isnull", False)),
                fields=("retry_of",),
                name="transcode_retried_once",
            ),
        ),
        AddIndexConcurrently(
            model_name="cdntask",
            index=models.Index(
                condition=models.Q(("takedown__isnull", False)),
                fields=["takedown"],
                name="cdn_task_takedown",
            ),
        ),
        AddIndexConcurrently(
            model_name="cdntask",
            index=models.Index(
                condition=models.Q(("attention_at__isnull", False)),
                fields=["attention_at"],
                name="cdn_task_attention",
            ),
        ),
        AddIndexConcurrently(
            model_name="transcodejob",
            index=models.Index(
                condition=models.Q(("attention_at__isnull", False)),
                fields=["attention_at"],
                name="transcode_attention",
            ),
        ),
        AddIndexConcurrently(
            model_name="vodevent",
            index=models.Index(
                condition=models.Q(("attention_at__isnull", False)),
                fields=["attention_at"],
                name="event_attention",
            ),
        ),
    ]
