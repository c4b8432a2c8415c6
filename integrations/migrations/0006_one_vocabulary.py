"""What tests and tiles say of failures is kept in the words of all other failures."""

from django.db import migrations

from integrations.credentials.fields import DecryptionError

NEW_BY_OLD = {
    "auth": "invalid_auth",
    "forbidden": "missing_permission",
    "not_found": "invalid_routing",
    "vendor_error": "unknown",
}
OLD_BY_NEW = {
    **{new: old for old, new in NEW_BY_OLD.items()},
    **dict.fromkeys(("cannot_connect", "rejected", "unexpected_response"), "vendor_error"),
}


def rename(apps, words, *, with_tiles):
    model = apps.get_model("integrations", "Integration")
    if with_tiles:
        for old, new in words.items():
            model.objects.filter(last_error_code=old).update(last_error_code=new)
    for pk in model.objects.values_list("pk", flat=True):
        try:
            row = model.objects.select_for_update().only("draft").get(pk=pk)
        except DecryptionError:
            continue  # its key is lost: nobody reads this test again
        checks = ((row.draft or {}).get("test") or {}).get("checks", [])
        renamed = [{**check, "code": words.get(check["code"], check["code"])} for check in checks]
        if renamed != checks:
            row.draft["test"]["checks"] = renamed
            row.save(update_fields=["draft"])


def forwards(apps, schema_editor):
    rename(apps, NEW_BY_OLD, with_tiles=True)


def backwards(apps, schema_editor):
    # A tile knew both words before: those of the relay, and those of the test.
    rename(apps, OLD_BY_NEW, with_tiles=False)


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0005_audit_of_the_portal'),
    ]

    operations = [
        migrations.RunPython(forwards, backwards),
    ]
