"""Remember who put the first steps away; find an integration's calls of a period, or of one request, by an index."""

import django.db.models.deletion
from django.db import migrations, models

from integrations.models.index_aside import AddIndexAside


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("integrations", "0015_alerts")]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="first_steps_dismissed",
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
        AddIndexAside(
            model_name="vendorcall",
            index=models.Index(fields=["integration", "at"], name="calls_by_integration"),
        ),
        AddIndexAside(
            model_name="vendorcall",
            index=models.Index(
                condition=models.Q(("correlation_id", ""), _negated=True),
                fields=["correlation_id"],
                name="calls_by_correlation",
            ),
        ),
        # The new index finds an integration's calls as well: no call is written dearer than before.
        migrations.AlterField(
            model_name="vendorcall",
            name="integration",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="calls",
                to="integrations.integration",
            ),
        ),
    ]
