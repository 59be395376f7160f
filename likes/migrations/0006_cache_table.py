from django.core.management import call_command
from django.db import migrations


def create_cache_table(apps, schema_editor):
    """Create the table of the cache, whichever cache is used today."""
    call_command("createcachetable", "narada_cache", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("likes", "0005_keyed_by")]

    operations = [
        migrations.RunPython(create_cache_table, migrations.RunPython.noop, elidable=False)
    ]
