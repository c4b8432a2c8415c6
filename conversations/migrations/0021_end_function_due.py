"""When an end_function is due, so that one whose task was lost is found again."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0020_webhook_correlation")]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="end_function_due_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                fields=["end_function_due_at"],
                condition=models.Q(("end_function_due_at__isnull", False)),
                name="conversations_end_function_due",
            ),
        ),
    ]
