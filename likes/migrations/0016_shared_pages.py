from django.db import migrations
from django.db.models import Count

from matching import name_key

STANDING = ("present", "sending", "pending")


def ask_where_shared(apps, schema_editor):
    """Rules put tracks of several names on one page; all but one of them become a question."""
    mapping_model = apps.get_model("likes", "ServiceMapping")
    like_model = apps.get_model("likes", "Like")
    pages = mapping_model.objects.filter(
        service="lastfm",
        decision="accepted",
        decided_by="rule",
        track__likes__service="lastfm",
        track__likes__state__in=STANDING,
    )
    shared = pages.values_list("user", "key").annotate(count=Count("pk")).filter(count__gt=1)
    for user, key, _ in list(shared):
        rows = list(pages.filter(user=user, key=key).select_related("track").order_by("pk"))

        def has_its_name(row):
            return name_key("".join(row.track.artists[:1]), row.track.title) == row.key

        kept = min(rows, key=lambda row: not has_its_name(row))
        for row in rows:
            if row == kept or (has_its_name(row) and has_its_name(kept)):
                continue
            mapping_model.objects.filter(pk=row.pk).update(decision="candidate")
            name = f"{', '.join(kept.track.artists)} – {kept.track.title}"
            like_model.objects.filter(track=row.track, service="lastfm").update(
                state="review",
                sent_at=None,
                confirmed_at=None,
                last_error=f"This page is loved for “{name}”. Accept it if both are one song.",
            )


class Migration(migrations.Migration):
    dependencies = [("likes", "0015_failing_since")]

    operations = [migrations.RunPython(ask_where_shared, migrations.RunPython.noop)]
