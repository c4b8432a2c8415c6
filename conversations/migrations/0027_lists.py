from django.db import migrations, models

from integrations.models.index_aside import AddIndexAside


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("conversations", "0026_search_index"),
        ("integrations", "0010_trigger_policy"),
    ]

    operations = [
        AddIndexAside(
            model_name="conversation",
            index=models.Index(
                fields=["project", "environment", "-started_at", "-id"],
                name="conversations_by_environment",
            ),
        ),
        AddIndexAside(
            model_name="conversation",
            index=models.Index(fields=["started_at"], name="conversations_by_start"),
        ),
        AddIndexAside(
            model_name="logentry",
            index=models.Index(fields=["conversation", "at"], name="log_by_conversation"),
        ),
    ]
