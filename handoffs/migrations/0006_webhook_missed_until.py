from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('handoffs', '0005_fallback_and_reminders'),
    ]

    operations = [
        migrations.AddField(
            model_name='storedwebhook',
            name='missed_until',
            field=models.DateTimeField(null=True),
        ),
    ]
