from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("videos", "0009_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="video",
            name="source_uploaded_after",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Set while the upload's moment is an estimate: the true one lies after this.",
                null=True,
            ),
        ),
    ]
