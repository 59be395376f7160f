"""What the user's own lists on Last.fm, once read, settle without a call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Sum

from likes.exporting.page_choice import (
    PageChoice,
    choose_listed,
    choose_own_name,
    find_refused,
    store_choices,
)
from likes.like_operations import OPEN, look_again
from likes.models import Like, LikeQuerySet, ListedTrack, Service, SyncSettings, Track, TrackKey
from likes.models.batches import chunked
from matching import name_key

State = Like.State

#: How many tracks are held against the lists at once.
CHUNK = 500


def list_unsettled(likes: LikeQuerySet) -> Iterator[list[Track]]:
    """Yield the tracks of those likes whose page is not chosen yet, oldest like first."""
    ids = list(likes.without_page().oldest_first().values_list("track_id", flat=True))
    for chunk in chunked(ids, CHUNK):
        tracks = Track.objects.in_bulk(chunk)
        yield [tracks[pk] for pk in chunk]


def name_unsettled(likes: LikeQuerySet) -> Counter[str]:
    """Return the page keys of the tracks that have no page, each with how many tracks have it."""
    named = likes.without_page().values_list("track__title", "track__artists").iterator()
    return Counter(name_key("".join(artists[:1]), title) for title, artists in named)


def choose_pages(user: User, listing: ListedTrack.Listing, tracks: list[Track]) -> list[int]:
    """Store the pages of tracks that a list settles; return the ids of those tracks."""
    chosen = choose_listed(user, listing, tracks)
    choices = {pk: PageChoice(accepted=row) for pk, row in chosen.items()}
    with transaction.atomic():
        store_choices(choices)
    return [pk for pk, choice in choices.items() if choice.accepted]


def find_spellings(user: User) -> dict[str, str]:
    """Return the artists' names as this user scrobbles them, of several the most played, by key."""
    plays = ListedTrack.objects.filter(user=user, listing=ListedTrack.Listing.LIBRARY)
    played = plays.values_list("artist").annotate(plays=Sum("playcount")).order_by("plays")
    return {name_key(artist, ""): artist for artist, _ in played}


def find_concerned(user: User, keys: Collection[str]) -> list[int]:
    """Return the tracks with likes for a person that share one of these blocking keys."""
    open_likes = Like.objects.on(Service.LASTFM).filter(track=OuterRef("track"), state__in=OPEN)
    rows = TrackKey.objects.filter(Exists(open_likes), user=user)
    found: set[int] = set()
    for chunk in chunked(list(keys), CHUNK):
        found.update(rows.filter(key__in=chunk).values_list("track_id", flat=True))
    return sorted(found)


def loves_unknown(user: User) -> bool:
    """Tell whether the user wants all loved that Last.fm does not know."""
    return SyncSettings.objects.filter(user=user, on_unknown=SyncSettings.Unknown.LOVE).exists()


def love_unknown(user: User) -> None:
    """Have loved what earlier exports did not find, under the names that the tracks have."""
    not_found = Like.objects.of(user).on(Service.LASTFM).filter(state=State.NOT_FOUND)
    for tracks in list_unsettled(not_found):
        refused = find_refused(tracks)
        pages = {track.pk: choose_own_name(track, refused) for track in tracks}
        chosen = {pk: PageChoice(accepted=page) for pk, page in pages.items() if page}
        with transaction.atomic():
            store_choices(chosen)
            look_again(not_found.filter(track__in=list(chosen)))


def take_own_names(
    tracks: Iterable[Track], choices: dict[int, PageChoice], refused: set[tuple[int, str]]
) -> None:
    """Choose for each track that Last.fm does not know the page under its own name."""
    for track in tracks:
        choice = choices.get(track.pk)
        own = choose_own_name(track, refused)
        if choice is not None and choice.state == Like.State.NOT_FOUND and own is not None:
            others = [page for page in choice.candidates if page.key != own.key]
            choices[track.pk] = PageChoice(accepted=own, candidates=others)
