"""Sessions of mobile apps: their platform, and whether a key lets them come back."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0018_end_function")]

    operations = [
        migrations.AddField(
            model_name="channel",
            name="allows_apps",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="platform",
            field=models.CharField(blank=True, db_default="", default="", max_length=16),
        ),
    ]
