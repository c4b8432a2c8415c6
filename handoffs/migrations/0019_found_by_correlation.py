"""Find the handoff that a request asked for by the id of that request."""

from django.db import migrations, models

from integrations.models.index_aside import AddIndexAside


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("handoffs", "0018_summary")]

    operations = [
        AddIndexAside(
            model_name="handoff",
            index=models.Index(
                condition=models.Q(("correlation_id", ""), _negated=True),
                fields=["correlation_id"],
                name="handoffs_by_correlation",
            ),
        ),
    ]
