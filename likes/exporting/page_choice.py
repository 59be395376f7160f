"""Which Last.fm page a track is loved on. Nothing uncertain is chosen: it goes to a person.

The order of trust: a person's choice; the name under which this user already loves it; the spelling
this user scrobbles; Last.fm's own correction, if only the artist's name differs or it is a match;
the name as on Spotify, if that page is real; the plainer titles, without "- 2011 Remaster",
"- Radio Edit" and the like.

A page higher up that is in doubt is never overtaken by one lower down that this user has never
played: that is a question, with both as candidates (``find_doubts``).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db.models import Q

from connectors.records import TrackPage
from likes.blocking_keys import describe, describe_listed
from likes.exporting.own_lists import candidates_for
from likes.like_operations import STANDING
from likes.models import Like, ListedTrack, Service, ServiceMapping, Source, Track, TrackKey
from matching import (
    Comparison,
    Verdict,
    choose,
    compare,
    list_plain_titles,
    name_key,
    prepare,
)

Rule = ServiceMapping.Rule
Decision = ServiceMapping.Decision

#: How many of the user's own pages a question shows at most.
MOST_DOUBTS = 3
#: Milliseconds between two lengths that are not of one recording (docs/matching.md).
FAR_APART = 10_000

_RULES = {
    ListedTrack.Listing.LOVED: Rule.LOVED,
    ListedTrack.Listing.LIBRARY: Rule.SCROBBLED,
}


@dataclass
class PageChoice:
    """What is known of a track's page: the accepted mapping, or candidates and why none is."""

    accepted: ServiceMapping | None = None
    candidates: list[ServiceMapping] = field(default_factory=list)
    state: Like.State = Like.State.PENDING
    reason: str = ""


def make_mapping(
    track: Track,
    artist: str,
    title: str,
    rule: Rule,
    decision: Decision,
    comparison: Comparison | None = None,
) -> ServiceMapping:
    return ServiceMapping(
        user_id=track.user_id,
        track=track,
        service=Service.LASTFM,
        key=name_key(artist, title),
        title=title,
        artists=[artist],
        decision=decision,
        rule=rule,
        score=comparison.score if comparison else None,
        evidence=[piece.as_json() for piece in comparison.evidence] if comparison else [],
    )


def primary_artist(track: Track) -> str:
    return track.artists[0] if track.artists else ""


def choose_listed(
    user: User, listing: ListedTrack.Listing, tracks: Sequence[Track]
) -> dict[int, ServiceMapping]:
    """Return, by track id, the row of a user's own list that a track is for certain."""
    rule = _RULES[listing]
    candidates = candidates_for(user, listing, _list_keys(tracks))
    refused = find_refused(tracks)
    whole = _find_whole_credits([track for track in tracks if candidates.get(track.pk)])
    chosen: dict[int, ServiceMapping] = {}
    for track in tracks:
        rows = [row for row in candidates.get(track.pk, ()) if (track.pk, row.key) not in refused]
        if not rows:
            continue
        exact = name_key(primary_artist(track), track.title)
        row, comparison = _pick(track, rows, exact, whole_credit=track.pk in whole)
        if row is not None:
            chosen[track.pk] = make_mapping(
                track, row.artist, row.title, rule, Decision.ACCEPTED, comparison
            )
    return chosen


def _list_keys(tracks: Sequence[Track]) -> dict[int, set[str]]:
    keys: dict[int, set[str]] = {}
    for row in TrackKey.objects.filter(track__in=tracks):
        keys.setdefault(row.track_id, set()).add(row.key)
    return keys


def _find_whole_credits(tracks: Sequence[Track]) -> set[int]:
    """Return the tracks whose artists are known to be all: several, or as Spotify's API lists them.

    Files that name one artist may leave out the others; Spotify's account data does.
    """
    whole = {track.pk for track in tracks if len(track.artists) > 1}
    single = {track.pk: track.artists for track in tracks if track.pk not in whole}
    if single:
        rows = ServiceMapping.objects.on(Service.SPOTIFY).filter(track__in=list(single))
        told = rows.filter(Q(source=Source.API) | Q(listed=True))
        for track_id, artists in told.values_list("track_id", "artists"):
            if artists == single[track_id]:
                whole.add(track_id)
    return whole


def _pick(
    track: Track, rows: list[ListedTrack], exact: str, *, whole_credit: bool
) -> tuple[ListedTrack | None, Comparison | None]:
    """Return the row under the track's own name, else the one that is it for certain, if any.

    Where only a note on an edit, a single, a master or a guest tells the names apart, what this
    user loves or plays is the page, unless the lengths say otherwise.
    """
    plain = [name_key(primary_artist(track), title) for title in list_plain_titles(track.title)]
    for key in (exact, *plain):
        for row in rows:
            if row.key == key and (key == exact or not are_far_apart(track, row)):
                return row, compare(describe(track), describe_listed(row))
    wanted = describe(track, whole_credit=whole_credit)
    choice = choose(wanted, [describe_listed(row) for row in rows])
    if choice.verdict != Verdict.MATCH or choice.best is None:
        return None, None
    return rows[choice.best], choice.comparisons[choice.best]


def are_far_apart(track: Track, page: ListedTrack | TrackPage) -> bool:
    """Tell whether the lengths say that a page is of another recording."""
    lengths = track.duration_ms, page.duration_ms
    return all(lengths) and abs((track.duration_ms or 0) - (page.duration_ms or 0)) > FAR_APART


def find_doubts(user: User, tracks: Sequence[Track]) -> dict[int, list[ServiceMapping]]:
    """Return, by track id, what of the user's own lists may be the track, likeliest first; last
    what is only spelled alike (``is_spelled_alike``)."""
    keys = _list_keys(tracks)
    refused = find_refused(tracks)
    doubts: dict[int, list[ServiceMapping]] = {}
    for listing, rule in _RULES.items():
        candidates = candidates_for(user, listing, keys)
        for track in tracks:
            rows = [r for r in candidates.get(track.pk, ()) if (track.pk, r.key) not in refused]
            wanted = prepare(describe(track))
            compared = [(compare(wanted, describe_listed(row)), row) for row in rows]
            compared.sort(key=lambda pair: -pair[0].score)
            found = doubts.setdefault(track.pk, [])
            for comparison, row in compared:
                known = {mapping.key for mapping in found}
                if comparison.verdict != Verdict.DIFFERENT and row.key not in known:
                    found.append(
                        make_mapping(
                            track, row.artist, row.title, rule, Decision.CANDIDATE, comparison
                        )
                    )
    return {
        pk: sorted(found, key=is_spelled_alike)[:MOST_DOUBTS]
        for pk, found in doubts.items()
        if found
    }


def is_spelled_alike(doubt: ServiceMapping) -> bool:
    """Tell a doubt from another song of the artist's that is spelled alike: of 1,617 such pairs in
    one listener's library nearly all were two songs."""
    return doubt.is_doubted_by("title-near")


def find_refused(tracks: Iterable[Track]) -> set[tuple[int, str]]:
    """Return, as track id and page key, the pages that a person said these tracks are not."""
    return set(
        ServiceMapping.objects.on(Service.LASTFM)
        .filter(track__in=list(tracks), decision=Decision.REJECTED)
        .values_list("track_id", "key")
    )


def choose_own_name(track: Track, refused: Container[tuple[int, str]]) -> ServiceMapping | None:
    """Return the page that a love under the track's own name creates, for a user who wants that of
    all that Last.fm does not know; None where a person ruled it out or there is no name."""
    artist = primary_artist(track)
    mapping = make_mapping(track, artist, track.title, Rule.UNKNOWN, Decision.ACCEPTED)
    if not artist or not track.title or (track.pk, mapping.key) in refused:
        return None
    return mapping


def keep_spelling(
    choice: PageChoice, track: Track, read_spellings: Callable[[], Mapping[str, str]]
) -> None:
    """Love a page under the artist's name as this user scrobbles it, if Last.fm corrected that.

    Only where the title is Last.fm's too; ``read_spellings`` returns the names by their keys.
    """
    page = choice.accepted
    if page is None or page.rule != Rule.CORRECTED:
        return
    if name_key("", page.title) != name_key("", track.title):
        return
    own = read_spellings().get(name_key(primary_artist(track), ""))
    if own is None or own == page.artists[0]:
        return
    choice.accepted = make_mapping(track, own, page.title, Rule.SCROBBLED, Decision.ACCEPTED)
    choice.accepted.score, choice.accepted.evidence = page.score, page.evidence
    page.decision = Decision.CANDIDATE
    choice.candidates = [page, *choice.candidates]


def _ask_where_shared(choices: dict[int, PageChoice]) -> None:
    """Make a question of each page that another track of the user stands on, or is chosen for: a
    rule may not say that two tracks, which an import keeps apart, are one song.

    Tracks of the very same name share its page: Last.fm has no other for them.
    """
    chosen = [choice.accepted for choice in choices.values() if choice.accepted]
    taken: dict[str, Track] = {}
    if chosen:
        standing = (
            ServiceMapping.objects.of(chosen[0].track.user)
            .pages()
            .keyed({page.key for page in chosen})
            .exclude(track__in=list(choices))
            .whose_like_is(*STANDING)
            .select_related("track")
        )
        taken = {page.key: page.track for page in standing}
    # The page under a track's own name is that track's, if they want it at once.
    for page in sorted(chosen, key=lambda page: not is_own_name(page, page.track)):
        other = taken.setdefault(page.key, page.track)
        same_name = is_own_name(page, page.track) and is_own_name(page, other)
        if other.pk != page.track_id and not same_name:
            choice = choices[page.track_id]
            page.decision = Decision.CANDIDATE
            choice.accepted, choice.candidates = None, [page, *choice.candidates]
            choice.state = Like.State.REVIEW
            choice.reason = f"This page is loved for “{other}”. Accept it if both are one song."


def is_own_name(page: ServiceMapping, track: Track) -> bool:
    return page.key == name_key(primary_artist(track), track.title)


def store_choices(choices: dict[int, PageChoice]) -> None:
    """Store what was chosen for each track id; a person's decisions are never overwritten.

    Where a page is another track's already, the choice becomes a question.
    """
    _ask_where_shared(choices)
    decided = {
        (mapping.track_id, mapping.key): mapping
        for mapping in ServiceMapping.objects.on(Service.LASTFM).filter(track__in=list(choices))
    }
    settled = {
        mapping.track_id for mapping in decided.values() if mapping.decision == Decision.ACCEPTED
    }
    fresh: list[ServiceMapping] = []
    for track_id, choice in choices.items():
        rows = [choice.accepted] if choice.accepted else []
        for mapping in [*rows, *choice.candidates]:
            former = decided.get((track_id, mapping.key))
            if former is None and not (
                mapping.decision == Decision.ACCEPTED and track_id in settled
            ):
                fresh.append(mapping)
            elif former is not None and former.decision == Decision.CANDIDATE:
                former.decision, former.rule = mapping.decision, mapping.rule
                former.score, former.evidence = mapping.score, mapping.evidence
                former.title, former.artists = mapping.title, mapping.artists
                former.save()
    ServiceMapping.objects.bulk_create(fresh)
