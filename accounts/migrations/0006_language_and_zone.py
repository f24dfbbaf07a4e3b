from django.db import migrations, models


class Migration(migrations.Migration):
    """What operators choose for themselves on every page of the desk."""

    dependencies = [
        ("accounts", "0005_lives_and_names"),
    ]

    operations = [
        migrations.AddField(
            model_name="operator",
            name="language",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Of the desk. Empty: as the browser says.",
                max_length=16,
                verbose_name="language",
            ),
        ),
        migrations.AddField(
            model_name="operator",
            name="time_zone",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Of the times at the desk. Empty: as the server’s.",
                max_length=64,
                verbose_name="time zone",
            ),
        ),
    ]
