"""The proof: both services are read whole and held against what Narada believes."""

from __future__ import annotations

from collections import Counter

from django.contrib.auth.models import User

from connectors.lastfm import LastfmConnector
from connectors.spotify import SpotifyConnector
from connectors.text import count_nouns
from likes.exporting.page_choice import is_own_name
from likes.importing.rows import item_key, number_repeats
from likes.like_operations import OPEN, TO_SEND
from likes.models import Checkpoint, Like, Service, ServiceMapping
from likes.models.batches import chunked
from likes.runs.removal_questions import FEW
from likes.runs.summaries import NEEDS_A_PERSON, Progress, VerifySummary
from matching import name_key

State = Like.State
DecidedBy = ServiceMapping.DecidedBy

#: Said of a like that the loved list does not show, by the state Narada has it in.
REASONS = {
    State.PENDING: "not sent yet",
    State.SENDING: "being sent when a run was cut off; the next export settles it",
    State.REVIEW: "needs review",
    State.NOT_FOUND: "Last.fm has no such track",
    State.FAILED: "Last.fm refused it",
    State.EXCLUDED: "not wanted on Last.fm, as a person decided",
    State.REMOVED: "un-loved on Last.fm",
    State.REMOVING: "to be un-loved",
    State.PRESENT: "Narada sent it, but Last.fm does not show it",
}


def verify(
    user: User,
    spotify: SpotifyConnector | None,
    lastfm: LastfmConnector,
    summary: VerifySummary,
    progress: Progress,
) -> None:
    """Read the lists and fill the summary; nothing is stored."""
    present = Like.objects.of(user).on(Service.NARADA).filter(state=State.PRESENT)
    likes = list(present.oldest_first().values_list("track_id", flat=True))
    summary.likes = len(likes)
    if spotify is not None:
        _verify_spotify(user, spotify, summary, progress)
    loved = set()
    listing = Checkpoint.objects.filter(user=user, listing=Checkpoint.Listing.LOVED)
    lacking = listing.values_list("lacking", flat=True).first() or 0
    for track in lastfm.get_loved_tracks(lacking):
        loved.add(name_key(track.artist, track.title))
        progress(len(loved), None, "loved tracks read")
    standing: dict[str, ServiceMapping] = {}
    for chunk in chunked(likes, 500):
        _verify_chunk(user, chunk, loved, standing, summary)
    summary.complete = True
    agree = summary.loved + summary.shared + summary.excluded == summary.likes
    summary.agree = agree and not summary.missing_in_narada and not summary.no_longer_on_spotify
    summary.message = (
        f"{summary.loved:,} of {count_nouns(summary.likes, 'like is', 'likes are')} loved."
    )
    if summary.shared:
        more = count_nouns(summary.shared, "more shares", "more share")
        summary.message += f" {more} a love with another, by one name or as you decided."
    if summary.missing_in_narada:
        summary.message += (
            f" {count_nouns(summary.missing_in_narada, 'liked song', 'liked songs')} of Spotify "
            f"{'is' if summary.missing_in_narada == 1 else 'are'} not in Narada yet."
        )
    if summary.no_longer_on_spotify:
        summary.message += (
            f" Of those that Narada knows "
            f"{count_nouns(summary.no_longer_on_spotify, 'is', 'are')} no longer on Spotify."
        )
    if summary.on_spotify == 0 and summary.no_longer_on_spotify > FEW:
        summary.message += (
            " Spotify says that you have no liked songs; Narada changes nothing of it."
        )
        summary.exit_code = NEEDS_A_PERSON
    elif summary.missing_in_narada or summary.no_longer_on_spotify:
        summary.message += " The next import takes note; with --full it reads the whole list."
    if any(one["state"] in OPEN for one in summary.exceptions):
        summary.message += " Some need a person: see the review page."
    if any(one["state"] == State.PRESENT for one in summary.exceptions):
        summary.exit_code = NEEDS_A_PERSON


def _verify_spotify(
    user: User, spotify: SpotifyConnector, summary: VerifySummary, progress: Progress
) -> None:
    listed: set[str] = set()
    for item in number_repeats(spotify.get_liked_tracks(), Counter()):
        listed.add(item_key(item))
        progress(len(listed), None, "liked songs read")
    known = set(
        ServiceMapping.objects.of(user)
        .on(Service.SPOTIFY)
        .filter(listed=True)
        .values_list("key", flat=True)
    )
    summary.on_spotify = len(listed)
    summary.missing_in_narada = len(listed - known)
    summary.no_longer_on_spotify = len(known - listed)


def _verify_chunk(
    user: User,
    track_ids: list[int],
    loved: set[str],
    standing: dict[str, ServiceMapping],
    summary: VerifySummary,
) -> None:
    """Hold some likes against the loves; ``standing`` has the page that each love is counted for.

    A love is one like's. That likes of two names are one song is a person's word, or needs one.
    """
    rows = {
        like.track_id: like
        for like in Like.objects.of(user)
        .on(Service.LASTFM)
        .filter(track__in=track_ids)
        .select_related("track")
    }
    pages = {
        mapping.track_id: mapping
        for mapping in ServiceMapping.objects.pages_of(track_ids).select_related("track")
    }
    for track_id in track_ids:
        like, page = rows.get(track_id), pages.get(track_id)
        state = like.state if like else State.PENDING
        reason = _explain(like) if like else REASONS[State.PENDING]
        if page is not None and page.key in loved:
            other = standing.setdefault(page.key, page)
            if other is page:
                summary.loved += 1
                continue
            same_name = is_own_name(page, page.track) and is_own_name(page, other.track)
            if same_name or DecidedBy.PERSON in (page.decided_by, other.decided_by):
                if other.decided_by == DecidedBy.PERSON:
                    standing[page.key] = page
                summary.shared += 1
                continue
            reason = (
                f"shares the love of “{other.track}”: if both are one song, accept the page "
                "for both; else choose another"
            )
        summary.excluded += state == State.EXCLUDED
        summary.waiting += state in TO_SEND
        summary.exceptions.append(
            {
                "track": str(like.track) if like else str(track_id),
                "state": state,
                "reason": reason,
            }
        )


def _explain(like: Like) -> str:
    """Say why a like that the loved list does not show is not there."""
    if like.state == State.PRESENT and like.confirmed_at is not None:
        return "Last.fm showed it before and no longer does; the next export takes note"
    return like.last_error or REASONS[State(like.state)]
