import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0027_lists")]

    operations = [
        migrations.AlterField(
            model_name="logentry",
            name="conversation",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="log",
                to="conversations.conversation",
            ),
        ),
    ]
