from django.db import migrations, models

from shortvideo.migration_operations import AddIndexConcurrently, RemoveIndexConcurrently


class Migration(migrations.Migration):
    """Indexes of what the queue leaves out and of own decisions, built while tables are in use."""

    atomic = False

    dependencies = [("videos", "0022_review_ips")]

    operations = [
        AddIndexConcurrently(
            model_name="reviewtask",
            index=models.Index(
                fields=["video"],
                name="task_escalated",
                condition=models.Q(("cause", "escalated"), ("closed_at", None)),
            ),
        ),
        AddIndexConcurrently(
            model_name="reviewclaim",
            index=models.Index(
                fields=["operator", "ended_at", "video"],
                name="claim_skipped_lately",
                condition=models.Q(("end", "skipped")),
            ),
        ),
        AddIndexConcurrently(
            model_name="reviewdecision",
            index=models.Index(fields=["operator", "-id"], name="decision_operator"),
        ),
        RemoveIndexConcurrently(model_name="reviewclaim", name="claim_skipped"),
    ]
