from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recordings", "0003_condition_per_host")]

    operations = [
        migrations.AlterField(
            model_name="loss",
            name="cause",
            field=models.CharField(
                choices=[
                    ("expired", "Expired"),
                    ("unreachable", "Unreachable"),
                    ("own_fault", "Own fault"),
                    ("deleted", "Deleted"),
                    ("no_file_event", "No file event"),
                    ("missing_chunk", "Missing chunk"),
                    ("unplayable", "Unplayable"),
                    ("archive_damaged", "Archive damaged"),
                ],
                max_length=20,
            ),
        ),
    ]
