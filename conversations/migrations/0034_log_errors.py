"""Count a day's errors without reading what else was logged."""

from django.db import migrations, models

from integrations.models.index_aside import AddIndexAside


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("conversations", "0033_survey_by_text")]

    operations = [
        AddIndexAside(
            model_name="logentry",
            index=models.Index(
                condition=models.Q(("level", "error")),
                fields=["project", "-at"],
                name="log_errors",
            ),
        ),
    ]
