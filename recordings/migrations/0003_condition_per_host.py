from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recordings", "0002_joined_folders")]

    operations = [
        migrations.RemoveConstraint(model_name="condition", name="one_open_condition"),
        migrations.AddConstraint(
            model_name="condition",
            constraint=models.UniqueConstraint(
                condition=models.Q(("cleared_at", None)),
                fields=("kind", "resource", "host"),
                name="one_open_condition",
            ),
        ),
    ]
