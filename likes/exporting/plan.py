"""What an export would do, with its calls."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import User

from connectors.lastfm import LastfmConnector
from connectors.text import count_nouns
from likes.exporting.adopting import list_unsettled
from likes.exporting.own_lists import News, read_loved
from likes.exporting.page_choice import choose_listed
from likes.like_operations import TO_SEND
from likes.models import Like, ListedTrack, Service, ServiceMapping
from likes.runs.summaries import ExportSummary

Listing = ListedTrack.Listing


def plan_export(
    user: User,
    connector: LastfmConnector,
    summary: ExportSummary,
    limit: int | None,
    say_minutes: Callable[[int], str],
) -> None:
    """Say what an export would do. The lists read are kept; no like changes."""
    read_loved(user, connector, News())
    pending = Like.objects.of(user).on(Service.LASTFM).filter(state__in=TO_SEND)
    summary.candidates = pending.count()
    loved_keys = ListedTrack.objects.filter(user=user, listing=Listing.LOVED).values("key")
    accepted = ServiceMapping.objects.of(user).pages()
    summary.already_loved = pending.filter(
        track__in=accepted.filter(key__in=loved_keys).values("track_id")
    ).count()
    look_ups = 0
    for tracks in list_unsettled(pending):
        adopted = choose_listed(user, Listing.LOVED, tracks)
        rest = [track for track in tracks if track.pk not in adopted]
        summary.already_loved += len(adopted)
        look_ups += len(rest) - len(choose_listed(user, Listing.LIBRARY, rest))
    summary.remaining = summary.candidates - summary.already_loved
    loves = summary.remaining if limit is None else min(limit, summary.remaining)
    look_ups = min(look_ups, loves)
    calls = loves + look_ups + 1 + -(-loves // 1000)
    summary.message = (
        f"Would love {count_nouns(loves, 'track')} and look up at most "
        f"{count_nouns(look_ups, 'name')}: about {count_nouns(calls, 'call')}, "
        f"{say_minutes(calls)}. {count_nouns(summary.already_loved, 'is', 'are')} loved already "
        "and would be adopted without a call. No like was changed."
    )
