from django.db import migrations

import likes.models.music
from likes.models import search_index


def fill(apps, schema_editor):
    search_index.fill_search_text(apps.get_model("likes", "Track"), schema_editor.connection.alias)


def create(apps, schema_editor):
    search_index.create_index(schema_editor.connection.alias)


def drop(apps, schema_editor):
    search_index.drop_index(schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [("likes", "0013_leaving")]

    operations = [
        migrations.AddField(
            model_name="track",
            name="search_text",
            field=likes.models.music.SearchText(db_default="", editable=False),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(create, drop),
    ]
