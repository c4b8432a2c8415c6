"""Let an audit entry belong to the portal as a whole, as a sign-in does."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0004_inbox_and_probes")]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="project",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="audit_entries",
                to="integrations.project",
            ),
        ),
    ]
