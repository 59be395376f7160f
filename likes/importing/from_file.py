"""Store the rows of a file as likes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction

from connectors.records import LikedTrack
from connectors.text import count_nouns
from likes.importing.track_sync import drop_ids_of_others, store_likes
from likes.models import Run, Source
from likes.runs.summaries import ImportSummary, Progress

#: A file is read whole before anything is stored; its rows are stored this many at a time.
FILE_BATCH = 500


def store_file(
    user: User,
    items: Sequence[LikedTrack],
    summary: ImportSummary,
    progress: Progress,
    run: Run | None,
) -> int:
    """Store the rows of a file; return how many have an id under which another song is known."""
    others = 0
    for start in range(0, len(items), FILE_BATCH):
        with transaction.atomic():
            batch, dropped = drop_ids_of_others(user, items[start : start + FILE_BATCH])
            stored = store_likes(user, batch, Source.FILE, run)
        others += dropped
        summary.seen += len(stored.known_rows)
        summary.imported += stored.imported
        summary.already_known += stored.already_known
        summary.unavailable += stored.unavailable
        summary.merged += stored.merged
        progress(summary.seen, len(items), "rows stored")
    return others


def tell_others_ids(count: int) -> str:
    if not count:
        return ""
    rows = count_nouns(count, "row")
    return f"{rows} read without Spotify ids, under which Narada knows other songs"


def explain_unavailable(items: Sequence[LikedTrack]) -> str:
    """Say in a few words why rows name no track; "" where all do."""
    reasons = Counter(
        # "row 17 has no title": the rows differ, the reason does not.
        re.sub(r"^row [\d,]+:? ", "", item.unavailable)
        for item in items
        if item.track is None
    )
    said = ", ".join(f"{count:,}: {reason}" for reason, count in reasons.most_common(3))
    return f"unavailable: {said}" if said else ""
