"""What went along as a handoff's summary, and who has made it."""

from __future__ import annotations

from django.db import migrations

import integrations.credentials.fields


class Migration(migrations.Migration):
    dependencies = [("handoffs", "0017_away")]

    operations = [
        migrations.AddField(
            model_name="handoff",
            name="summary",
            field=integrations.credentials.fields.EncryptedJSONField(default=None, null=True),
        ),
    ]
