from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("videos", "0002_claims_and_turns"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="reviewtask",
            options={"verbose_name": "review task", "verbose_name_plural": "review tasks"},
        ),
    ]
