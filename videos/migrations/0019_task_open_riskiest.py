from django.conf import settings
from django.db import migrations, models

from shortvideo.migration_operations import AddIndexConcurrently


class Migration(migrations.Migration):
    """The index of the riskiest open tasks, built while the table is in use."""

    atomic = False

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("videos", "0018_escalation"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="reviewtask",
            index=models.Index(
                models.OrderBy(models.F("risk"), descending=True),
                models.F("opened_at"),
                models.F("id"),
                condition=models.Q(("closed_at", None)),
                name="task_open_riskiest",
            ),
        ),
    ]
