"""Ask Last.fm for the page of a track that the user's own lists do not settle."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from connectors.lastfm import LastfmConnector
from connectors.records import TrackPage
from likes.blocking_keys import describe
from likes.exporting.page_choice import (
    PageChoice,
    are_far_apart,
    is_spelled_alike,
    make_mapping,
    primary_artist,
)
from likes.models import Like, ServiceMapping, Track
from matching import (
    Evidence,
    TrackDescription,
    Verdict,
    choose,
    list_plain_titles,
    name_key,
    write_loosely,
    write_plain_signs,
)

Rule = ServiceMapping.Rule
Decision = ServiceMapping.Decision

#: A name with fewer listeners may exist only because somebody once asked for it: Last.fm answers
#: getInfo for a made-up pair with 2 listeners (its documentation project's "doesn't exist" sample).
REAL_LISTENERS = 5
#: How many names of a track are looked up at most: as on Spotify, then plainer ones.
MOST_LOOKUPS = 4
NOBODY = Evidence("page", "doubt", "next to nobody listens to this page", "nobody-listens")


def look_up(
    connector: LastfmConnector,
    track: Track,
    refused: Container[tuple[int, str]] = (),
    doubts: Sequence[ServiceMapping] = (),
    *,
    all_plays_known: bool = True,
) -> PageChoice:
    """Ask Last.fm for the track's page under its name, then under plainer ones.

    A page in ``refused`` is passed over. If the user's own lists may have the track (``doubts``), a
    page that this user has never played is a question. Unless the lists show all that they play,
    the plainer names are asked for as well, and Last.fm says of each whether they play it. No
    database is touched: several look-ups may be under way in threads of their own.
    """
    artist = primary_artist(track)
    if not artist or not track.title:
        return PageChoice(
            state=Like.State.NOT_FOUND, reason="Nothing to look for: no artist or no title."
        )
    choice = PageChoice(state=Like.State.NOT_FOUND)
    real_doubts = [doubt for doubt in doubts if not is_spelled_alike(doubt)]
    never_played: ServiceMapping | None = None
    plainer = list_plain_titles(track.title)
    for title in _list_names(track.title, plainer):
        if never_played and title not in plainer:
            break
        page = connector.get_track(artist, title)
        if page is None:
            continue
        mapping, verdict = _judge(track, artist, title, page)
        if (track.pk, mapping.key) in refused:
            choice.reason = "The page that Last.fm has is not this track, as a person decided."
            continue
        if title not in (track.title, *plainer) and mapping.verdict == "different":
            continue
        own = [doubt for doubt in real_doubts if doubt.key != mapping.key]
        if verdict == Verdict.MATCH and own and not page.user_playcount:
            return _ask_which(mapping, own)
        if verdict == Verdict.MATCH and (page.user_playcount or all_plays_known):
            return _accept(mapping, choice.candidates)
        if verdict == Verdict.MATCH:
            never_played = never_played or mapping
        elif never_played and page.user_playcount and mapping.key != never_played.key:
            return _ask_which(never_played, [mapping])
        if mapping.key not in {candidate.key for candidate in choice.candidates}:
            choice.candidates.append(mapping)
        if verdict == Verdict.REVIEW and is_real(page):
            choice.state = Like.State.REVIEW
    if never_played:
        return _accept(never_played, choice.candidates)
    shown = {doubt.key for doubt in doubts}
    choice.candidates = [*doubts, *(c for c in choice.candidates if c.key not in shown)]
    if real_doubts:
        choice.state = Like.State.REVIEW
    choice.reason = _explain(choice)
    return choice


def _list_names(title: str, plainer: list[str]) -> Iterator[str]:
    """Yield a title and plainer ones; then the plainest with the signs that a keyboard has, as
    "Don’t Stop" and "Don't Stop" are two pages if Last.fm does not correct the one; and last a name
    whose page can only be a candidate."""
    names = [title, *plainer][:MOST_LOOKUPS]
    last = write_plain_signs(names[-1]), write_loosely(title)
    yield from dict.fromkeys([*names, *filter(None, last)])


def _accept(mapping: ServiceMapping, candidates: list[ServiceMapping]) -> PageChoice:
    mapping.decision = Decision.ACCEPTED
    others = [other for other in candidates if other.key != mapping.key]
    return PageChoice(accepted=mapping, candidates=others)


def _ask_which(never_played: ServiceMapping, own: list[ServiceMapping]) -> PageChoice:
    names = "; ".join(f"{page.artists[0]} – {page.title}" for page in own)
    return PageChoice(
        candidates=[*own, never_played],
        state=Like.State.REVIEW,
        reason=f"You never played this page, but one that may be the same: {names}",
    )


def is_real(page: TrackPage) -> bool:
    return page.listeners >= REAL_LISTENERS or page.user_playcount > 0


def _judge(
    track: Track, artist: str, title: str, page: TrackPage
) -> tuple[ServiceMapping, Verdict]:
    """Hold a page that Last.fm answered with against the track: MATCH only if it may be loved."""
    choice = choose(describe(track), [TrackDescription(page.title, (page.artist,))])
    comparison = choice.comparisons[0]
    if name_key(page.artist, page.title) != name_key(artist, title):
        rule = Rule.CORRECTED
    elif name_key("", title) == name_key("", track.title):
        rule = Rule.SAME_NAME
    elif page.user_playcount and _is_plainer(title, track) and not are_far_apart(track, page):
        # The user's music is here, and only a note tells the names apart.
        rule = Rule.SCROBBLED
    else:
        rule = Rule.PLAIN_NAME
    mapping = make_mapping(track, page.artist, page.title, rule, Decision.CANDIDATE, comparison)
    # That Last.fm sends an artist's name on to another is its word that this is the artist.
    renamed = name_key("", page.title) == name_key("", track.title)
    trusted = renamed or rule in (Rule.SAME_NAME, Rule.SCROBBLED)
    if is_real(page) and (trusted or choice.verdict == Verdict.MATCH):
        return mapping, Verdict.MATCH
    if is_real(page):
        return mapping, Verdict.REVIEW
    # The names may well agree; it is the likeliest page last, and never taken unseen.
    mapping.score, mapping.evidence = 0.0, [*mapping.evidence, NOBODY.as_json()]
    return mapping, Verdict.DIFFERENT


def _is_plainer(title: str, track: Track) -> bool:
    return name_key("", title) in {name_key("", one) for one in list_plain_titles(track.title)}


def _explain(choice: PageChoice) -> str:
    if not choice.candidates:
        return choice.reason or "Last.fm has no track under this name."
    names = "; ".join(f"{page.artists[0]} – {page.title}" for page in choice.candidates)
    if choice.state == Like.State.REVIEW:
        return f"Last.fm answers with a name that may be another recording: {names}"
    if any(page.rule in (Rule.LOVED, Rule.SCROBBLED) for page in choice.candidates):
        return f"Last.fm has no track under this name. You play one that is spelled alike: {names}"
    return f"Last.fm knows the name, but next to nobody listens there: {names}"
