import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0028_one_log_index_less"),
        ("handoffs", "0014_correlation"),
        ("integrations", "0010_trigger_policy"),
    ]

    operations = [
        migrations.AddField(
            model_name="handoff",
            name="channel_kind",
            field=models.CharField(blank=True, db_default="", default="", max_length=16),
        ),
        migrations.AddField(
            model_name="handoff",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="integrations.project",
            ),
        ),
        migrations.AddField(
            model_name="handoff",
            name="queue",
            field=models.CharField(blank=True, db_default="", default="", max_length=128),
        ),
        migrations.AddField(
            model_name="handoff",
            name="topic",
            field=models.CharField(blank=True, db_default="", default="", max_length=120),
        ),
    ]
