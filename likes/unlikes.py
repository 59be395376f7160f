"""Likes that end on Spotify, and likes that come back."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from likes.models import Like, Service, ServiceMapping, Source

State = Like.State


def like_again(user: User, mappings: Sequence[ServiceMapping], source: Source) -> None:
    """The listing shows them again: liked on Spotify, and in Narada if that had ended there."""
    if not mappings:
        return
    now = timezone.now()
    liked_at = {mapping.track_id: mapping.liked_at for mapping in mappings}
    likes = Like.objects.of(user).filter(track__in=liked_at)
    on_spotify = set(likes.on(Service.SPOTIFY).values_list("track_id", flat=True))
    likes.on(Service.SPOTIFY).update(
        state=State.PRESENT, removed_at=None, confirmed_at=now, updated_at=now
    )
    Like.objects.bulk_create(
        Like(user=user, track_id=track_id, service=Service.SPOTIFY, state=State.PRESENT,
             source=source, liked_at=when, confirmed_at=now)
        for track_id, when in liked_at.items()
        if track_id not in on_spotify
    )  # fmt: skip
    returned = set(
        likes.on(Service.NARADA).filter(state=State.REMOVED).values_list("track_id", flat=True)
    )
    if returned:
        back = likes.filter(track__in=returned)
        back.on(Service.NARADA).update(state=State.PRESENT, removed_at=None, updated_at=now)
        back.on(Service.LASTFM).filter(state__in=[State.REMOVING, State.REMOVED]).update(
            state=State.PENDING, removed_at=None, attempts=0, next_attempt_at=None, updated_at=now
        )
    # A date that only the service knows replaces one that a file left out.
    undated = [like for like in likes.filter(liked_at=None) if liked_at[like.track_id]]
    for like in undated:
        like.liked_at = liked_at[like.track_id]
    Like.objects.bulk_update(undated, ["liked_at"])


def mark_removed_on_spotify(user: User, keys: Sequence[str], follow: bool) -> int:
    """Mark rows that Spotify no longer has; return how many.

    With ``follow`` the like ends in Narada too, and what Narada itself loved is to be un-loved.
    """
    now = timezone.now()
    mappings = ServiceMapping.objects.of(user).on(Service.SPOTIFY).keyed(keys).filter(listed=True)
    tracks = set(mappings.values_list("track_id", flat=True))
    count = mappings.update(listed=False, updated_at=now)
    still = (
        ServiceMapping.objects.of(user).on(Service.SPOTIFY).filter(track__in=tracks, listed=True)
    )
    gone = tracks - set(still.values_list("track_id", flat=True))
    likes = Like.objects.of(user).filter(track__in=gone)
    likes.on(Service.SPOTIFY).update(state=State.REMOVED, removed_at=now, updated_at=now)
    # Of what was never more than a row that says nothing, nothing is worth keeping.
    likes.on(Service.NARADA).filter(state=State.UNAVAILABLE).update(
        state=State.REMOVED, removed_at=now, updated_at=now
    )
    if follow:
        likes.on(Service.NARADA).update(state=State.REMOVED, removed_at=now, updated_at=now)
        on_lastfm = likes.on(Service.LASTFM)
        # What is in flight may arrive, and is then ours.
        ours = Q(state=State.PRESENT, sent_at__isnull=False) | Q(state=State.SENDING)
        on_lastfm.filter(ours).update(
            state=State.REMOVING, attempts=0, next_attempt_at=None, updated_at=now
        )
        on_lastfm.filter(state__in=[State.PENDING, *Like.OPEN_STATES]).update(
            state=State.REMOVED, removed_at=now, updated_at=now
        )
    return count


def unlist(user: User, keys: Sequence[str]) -> None:
    """Note of rows that Spotify's list no longer shows them; the likes stay as they are."""
    rows = ServiceMapping.objects.of(user).on(Service.SPOTIFY).keyed(keys)
    rows.update(listed=False, updated_at=timezone.now())
