from django.db import migrations

from likes.models import search_index

PAD = "UPDATE likes_track SET search_text = ' ' || search_text || ' ' WHERE search_text NOT LIKE ' %'"
UNPAD = "UPDATE likes_track SET search_text = trim(search_text)"


def create(apps, schema_editor):
    search_index.create_index(schema_editor.connection.alias)


def drop(apps, schema_editor):
    search_index.drop_index(schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [("likes", "0019_track_in_like_index")]

    # Without the index in between: to change it row by row takes minutes for many tracks.
    operations = [
        migrations.RunPython(drop, create),
        migrations.RunSQL(PAD, UNPAD),
        migrations.RunPython(create, drop),
    ]
