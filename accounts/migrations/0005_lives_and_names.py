from datetime import timedelta

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils import timezone


def give_service_tokens_a_year(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Service tokens from before had no end."""
    tokens = apps.get_model("accounts", "ConsoleToken").objects.using(
        schema_editor.connection.alias
    )
    in_a_year = timezone.now() + timedelta(days=365)
    tokens.filter(expires_at=None).exclude(service="").update(expires_at=in_a_year)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_desk_labels"),
    ]

    operations = [
        migrations.AlterModelManagers(name="operator", managers=[]),
        migrations.AlterField(
            model_name="operator",
            name="is_staff",
            field=models.BooleanField(
                default=True,
                help_text="Also required for the console API.",
                verbose_name="can log in to the desk",
            ),
        ),
        migrations.AddField(
            model_name="consoletoken",
            name="expires_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.RunPython(give_service_tokens_a_year, migrations.RunPython.noop),
    ]
