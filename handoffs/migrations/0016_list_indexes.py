"""Fill what lists read in the handoffs that are there, and build the indexes aside."""

from django.db import migrations, models

from integrations.models.index_aside import AddIndexAside

BATCH = 5000
# The same in PostgreSQL and SQLite; what was asked for stays sealed in `routing`.
FILL = f"""
UPDATE handoffs_handoff SET
    project_id = (
        SELECT c.project_id FROM conversations_conversation c
        WHERE c.id = handoffs_handoff.conversation_id
    ),
    channel_kind = (
        SELECT CASE c.api_channel WHEN '' THEN h.kind WHEN 'api' THEN 'chat'
            ELSE c.api_channel END
        FROM conversations_conversation c
        JOIN conversations_channel h ON h.id = c.channel_id
        WHERE c.id = handoffs_handoff.conversation_id
    )
WHERE id IN (SELECT id FROM handoffs_handoff WHERE project_id IS NULL LIMIT {BATCH})
"""


def fill(apps, schema_editor):
    """Write what the conversation knows, some thousands of handoffs at a time."""
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute(FILL)
            if cursor.rowcount < BATCH:
                return


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("handoffs", "0015_lists")]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        AddIndexAside(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("status", "failed")),
                fields=["handoff"],
                name="deliveries_failed",
            ),
        ),
        AddIndexAside(
            model_name="handoff",
            index=models.Index(
                fields=["project", "environment", "-requested_at", "-id"],
                name="handoffs_by_environment",
            ),
        ),
        AddIndexAside(
            model_name="handoff",
            index=models.Index(
                fields=["project", "-requested_at", "-id"], name="handoffs_by_project"
            ),
        ),
        AddIndexAside(
            model_name="handoff",
            index=models.Index(
                condition=models.Q(("state__in", ["requested", "connecting", "queued", "active"])),
                fields=["project", "requested_at"],
                name="handoffs_open",
            ),
        ),
        AddIndexAside(
            model_name="handoff",
            index=models.Index(
                condition=models.Q(("state", "failed")),
                fields=["project", "error_code", "-requested_at"],
                name="handoffs_failed",
            ),
        ),
        AddIndexAside(
            model_name="handoff",
            index=models.Index(fields=["vendor_conversation_id"], name="handoffs_by_vendor_id"),
        ),
    ]
