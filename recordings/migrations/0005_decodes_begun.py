from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recordings", "0004_loss_by_own_fault")]

    operations = [
        migrations.AddField(
            model_name="mediafile",
            name="decodes_begun",
            field=models.PositiveSmallIntegerField(
                default=0, help_text="Full decodes begun and not brought to an end: their workers died."
            ),
        ),
    ]
