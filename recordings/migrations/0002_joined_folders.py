from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recordings", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="recording",
            name="joined_folders",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="Folders of the archive that belonged to entries joined with this one.",
            ),
        ),
    ]
