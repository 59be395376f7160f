"""Likes that begin, that end on Spotify, and that return."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from likes.like_operations.states import OURS, UNSENT, UNTRIED, State, write
from likes.models import Like, LikeQuerySet, Run, RunChange, Service, ServiceMapping, Source, Track

What = RunChange.What

#: Where a love that was taken back goes on. Whether one that was about to be un-loved is still
#: there, the next reading of Last.fm's list tells.
_LOVED_AGAIN = {State.REMOVING: State.SENDING, State.REMOVED: State.PENDING}


def make_likes(
    user: User,
    track: Track,
    source: Source,
    liked_at: datetime | None,
    *,
    is_named: bool,
    is_listed: bool,
    why: str = "",
) -> list[Like]:
    """no row → present in Narada, pending on Last.fm and, if Spotify lists it, present there; a row
    that names no track is only unavailable in Narada. Return the likes, not stored yet."""

    def row(service: Service, state: State, confirmed_at: datetime | None = None) -> Like:
        return Like(
            user=user,
            track=track,
            service=service,
            state=state,
            source=source,
            liked_at=liked_at,
            confirmed_at=confirmed_at,
            last_error=why,
        )

    if not is_named:
        return [row(Service.NARADA, State.UNAVAILABLE)]
    likes = [row(Service.NARADA, State.PRESENT), row(Service.LASTFM, State.PENDING)]
    if is_listed:
        likes.append(row(Service.SPOTIFY, State.PRESENT, timezone.now()))
    return likes


def like_again(
    user: User, mappings: Sequence[ServiceMapping], source: Source, run: Run | None = None
) -> None:
    """The listing shows them again: liked on Spotify, and in Narada if that had ended there.

    What ended in Narada while Spotify went on listing it, as a person took it back, returns only
    if it was liked anew since.
    """
    if not mappings:
        return
    now = timezone.now()
    liked_at = {mapping.track_id: mapping.liked_at for mapping in mappings}
    likes = Like.objects.filter(track__in=liked_at)
    on_spotify = dict(likes.on(Service.SPOTIFY).values_list("track_id", "state"))
    write(likes.on(Service.SPOTIFY), state=State.PRESENT, removed_at=None, confirmed_at=now)
    Like.objects.bulk_create(
        Like(user=user, track_id=track_id, service=Service.SPOTIFY, state=State.PRESENT,
             source=source, liked_at=when, confirmed_at=now)
        for track_id, when in liked_at.items()
        if track_id not in on_spotify
    )  # fmt: skip
    ended = likes.on(Service.NARADA).filter(state=State.REMOVED)
    returned = {
        track_id
        for track_id, removed_at in ended.values_list("track_id", "removed_at")
        if on_spotify.get(track_id) != State.PRESENT or _is_later(liked_at[track_id], removed_at)
    }
    if returned:
        back = likes.filter(track__in=returned)
        returning = back.on(Service.NARADA).filter(state=State.REMOVED)
        RunChange.objects.record(run, What.ADDED, returning.values_list("pk", "state"))
        write(returning, state=State.PRESENT, removed_at=None)
        love_again(back.on(Service.LASTFM), run=None)
    # A date that only the service knows replaces one that a file left out.
    undated = [like for like in likes.filter(liked_at=None) if liked_at[like.track_id]]
    for like in undated:
        like.liked_at = liked_at[like.track_id]
    Like.objects.bulk_update(undated, ["liked_at"])


def _is_later(liked_at: datetime | None, removed_at: datetime | None) -> bool:
    """Whether a like is not older than what ended it; Spotify dates likes to the second."""
    if liked_at is None or removed_at is None:
        return False
    return liked_at > removed_at - timedelta(seconds=1)


def return_unavailable(tracks: Collection[int], run: Run | None) -> None:
    """removed → unavailable in Narada: rows without a name are listed again."""
    ended = Like.objects.on(Service.NARADA).filter(track__in=tracks, state=State.REMOVED)
    _change(run, What.ADDED, ended, state=State.UNAVAILABLE, removed_at=None)


def mark_unavailable(on_spotify: LikeQuerySet) -> None:
    """present → unavailable: Spotify took the song down, which is not an unlike."""
    write(on_spotify.filter(state=State.PRESENT), state=State.UNAVAILABLE)


def mark_removed_on_spotify(
    user: User, keys: Sequence[str], follow: bool, run: Run | None = None
) -> int:
    """Mark rows that Spotify no longer has; return how many.

    With ``follow`` the like ends in Narada too, and what Narada itself loved is to be un-loved.
    """
    now = timezone.now()
    mappings = ServiceMapping.objects.of(user).on(Service.SPOTIFY).keyed(keys)
    tracks = set(mappings.values_list("track_id", flat=True))
    count = mappings.update(listed=False, updated_at=now)
    still = ServiceMapping.objects.on(Service.SPOTIFY).filter(track__in=tracks, listed=True)
    gone = tracks - set(still.values_list("track_id", flat=True))
    likes = Like.objects.filter(track__in=gone)
    write(likes.on(Service.SPOTIFY), state=State.REMOVED, removed_at=now)
    # Of what was never more than a row that says nothing, nothing is worth keeping.
    nameless = likes.on(Service.NARADA).filter(state=State.UNAVAILABLE)
    _change(run, What.REMOVED, nameless, state=State.REMOVED, removed_at=now)
    if follow:
        end_likes(gone, run)
    return count


def end_likes(tracks: Collection[int], run: Run | None, why: str = "") -> None:
    """These likes end in Narada, and what Narada itself loved of them is to be un-loved.

    What a person ruled out stays so. ``why`` is kept with the rows of Last.fm.
    """
    now = timezone.now()
    likes = Like.objects.filter(track__in=tracks)
    in_narada = likes.on(Service.NARADA).exclude(state=State.REMOVED)
    _change(run, What.REMOVED, in_narada, state=State.REMOVED, removed_at=now)
    stop_loving(likes.on(Service.LASTFM), run, why)


def stop_loving(on_lastfm: LikeQuerySet, run: Run | None, why: str = "") -> None:
    """Of these rows of Last.fm, un-love what Narada loved and do not send what it did not yet."""
    said = {"last_error": why} if why else {}
    taken_back = {"state": State.REMOVING, **UNTRIED}
    _change(run, What.UNLOVED, on_lastfm.filter(OURS), **taken_back, **said)
    unsent = on_lastfm.filter(state__in=UNSENT)
    ended = {"state": State.REMOVED, "removed_at": timezone.now()}
    _change(run, What.UNLOVED, unsent, **ended, **said)


def love_again(on_lastfm: LikeQuerySet, run: Run | None) -> None:
    """removing → sending, removed → pending: what was taken back is to be loved again."""
    for state, again in _LOVED_AGAIN.items():
        likes = on_lastfm.filter(state=state)
        RunChange.objects.record(run, RunChange.What.LOVED, likes.values_list("pk", "state"))
        write(likes, state=again, removed_at=None, last_error="", **UNTRIED)


def _change(run: Run | None, what: str, likes: LikeQuerySet, **fields: object) -> None:
    RunChange.objects.record(run, what, likes.values_list("pk", "state"))
    write(likes, **fields)


def unlist(user: User, keys: Sequence[str]) -> None:
    """Note of rows that Spotify's list no longer shows them; the likes stay as they are."""
    rows = ServiceMapping.objects.of(user).on(Service.SPOTIFY).keyed(keys)
    rows.update(listed=False, updated_at=timezone.now())
