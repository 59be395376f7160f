"""Are two descriptions the same recording? Evidence first, then one verdict.

Each field is looked at by itself and yields evidence. One ``differs`` keeps two tracks apart, one
``doubt`` asks for a person, and only agreement throughout is a MATCH. Missing data is neutral.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from matching.calibration import estimate
from matching.comparing.albums import compare_albums, share_album, weigh_by_album
from matching.comparing.artists import find_unmatched
from matching.comparing.credits import compare_artists
from matching.comparing.titles import compare_titles
from matching.comparing.versions import compare_versions
from matching.descriptions import Choice, Comparison, Evidence, TrackDescription, Verdict
from matching.reading.artists import fold_name
from matching.reading.normalize import clean, split_words
from matching.reading.preparing import Prepared, prepare
from matching.reading.titles import Title

# Lengths in milliseconds; docs/matching.md has what was measured. Two services show the same
# recording within a second of each other; other versions of a song seldom come that close.
SAME_LENGTH = 1_000
CLOSE_LENGTH = 5_000
FAR_LENGTH = 10_000
# Some exports give minutes or seconds where milliseconds are meant; nothing liked is this short.
_SHORTEST = 10_000

# Skits and interludes are of one length too often for that to tell anything.
_TELLING = 45_000

# What lengths within a second, album aside, settle.
_SETTLED_BY_LENGTH = frozenset(
    {
        "subtitle-one-side", "subtitles-near", "year-note", "edit-note", "edit-one-side",
        "mix-one-side", "cut-one-side", "version-says-more", "live-album-one-side",
        "remix-album-one-side", "session-album-one-side", "guest-one-side", "title-near",
        "title-longer", "cast-one-side", "long-subtitle-one-side", "version-near", "version-edit",
        "partner-one-side", "artists-near", "artists-second",
    }
)  # fmt: skip


# What lengths within a second and the same album make doubtful: the one was renamed. What has the
# length of another track by nature, as an instrumental has, is not among them.
_DOUBTED_BY_ALBUM = frozenset(
    {
        "title-partly-alike", "other-title", "other-subtitle", "other-version", "take-one-side",
        "extended-one-side", "dub-one-side", "section-one-side", "session-one-side",
    }
)  # fmt: skip


# What an album that is the same too settles with them: an album seldom has two mixes as long.
_SETTLED_ON_ALBUM = _SETTLED_BY_LENGTH | {"guests-differ", "named-mix-one-side"}


# What ``compare`` may call a MATCH and ``choose`` leaves to a person: among Spotify tracks alike
# in names, every third pair of these kinds had lengths more than ten seconds apart.
_NOT_ACTED_ON = frozenset({"guest-one-side", "long-subtitle-one-side", "single-note"})


def compare(a: TrackDescription | Prepared, b: TrackDescription | Prepared) -> Comparison:
    """Return whether ``a`` and ``b`` describe one recording, how sure, and why.

    Symmetric and deterministic; any text gets an answer.
    """
    left = a if isinstance(a, Prepared) else prepare(a)
    right = b if isinstance(b, Prepared) else prepare(b)
    evidence = tuple(gather_evidence(left, right))
    return Comparison(decide(evidence), estimate(evidence), evidence)


def choose(
    wanted: TrackDescription | Prepared, candidates: Iterable[TrackDescription | Prepared]
) -> Choice:
    """Return which of ``candidates`` is the recording ``wanted``.

    Two candidates that both match but are not the same recording as each other are "ambiguous":
    REVIEW. Among matches of one recording the best score wins, then the likest spelling, then
    the first. A choice is acted on, so it asks for a little more than ``compare``: a guest or a
    subtitle that one side alone names is REVIEW.
    """
    sought = wanted if isinstance(wanted, Prepared) else prepare(wanted)
    prepared = [c if isinstance(c, Prepared) else prepare(c) for c in candidates]
    comparisons = tuple(compare(sought, candidate) for candidate in prepared)
    if not comparisons:
        return Choice(Verdict.DIFFERENT, None, (), "no candidates")
    spelling = [_rate_spelling(sought, candidate) for candidate in prepared]
    order = sorted(range(len(prepared)), key=lambda i: (-comparisons[i].score, -spelling[i], i))
    matches = [i for i in order if comparisons[i].verdict is Verdict.MATCH]
    unsure_of = {i: list(_list_unsure(comparisons[i], sought, prepared[i])) for i in matches}
    asked_of = {i: [e for e in unsure_of[i] if _is_asked(e, sought)] for i in matches}
    matches.sort(key=lambda i: (bool(asked_of[i]), bool(unsure_of[i])))
    if matches:
        best = matches[0]
        if asked := asked_of[best]:
            return Choice(Verdict.REVIEW, best, comparisons, "; ".join(e.text for e in asked))
        for other in matches[1:]:
            if compare(prepared[best], prepared[other]).verdict is not Verdict.MATCH:
                reason = "ambiguous: two candidates match and differ from each other"
                return Choice(Verdict.REVIEW, best, comparisons, reason)
        return Choice(Verdict.MATCH, best, comparisons, _say_why(comparisons[best]))
    reviews = [i for i in order if comparisons[i].verdict is Verdict.REVIEW]
    if reviews:
        best = reviews[0]
        return Choice(Verdict.REVIEW, best, comparisons, _say_why(comparisons[best]))
    return Choice(Verdict.DIFFERENT, None, comparisons, "no candidate is the same recording")


def _list_unsure(
    comparison: Comparison, wanted: Prepared, candidate: Prepared
) -> Iterator[Evidence]:
    """Yield what speaks against acting on ``candidate``. A list that is wanted mostly names all
    artists, so a candidate that names one more may be another recording."""
    for item in comparison.evidence:
        names_more = item.rule == "partner-one-side" and find_unmatched(
            candidate.credit, wanted.credit
        )
        if item.rule in _NOT_ACTED_ON or names_more:
            yield item


def _is_asked(item: Evidence, wanted: Prepared) -> bool:
    """Tell whether a person has to look at ``item``: one more act is no news where the wanted
    artists are not known to be all."""
    return wanted.description.whole_credit or item.rule != "partner-one-side"


def _rate_spelling(a: Prepared, b: Prepared) -> int:
    """Return how far two descriptions are written alike, the title counting most."""
    one, other = a.description, b.description
    same_title = clean(one.title).casefold() == clean(other.title).casefold()
    same_artist = a.credit.primary == b.credit.primary
    return 4 * same_title + 2 * same_artist + (one.title == other.title)


def _say_why(comparison: Comparison) -> str:
    wanted = "doubt" if comparison.verdict is Verdict.REVIEW else "agrees"
    return "; ".join(e.text for e in comparison.evidence if e.kind == wanted)


def gather_evidence(a: Prepared, b: Prepared) -> Iterator[Evidence]:
    """Yield what each field says, lengths and ISRCs having settled what they can settle."""
    items = [*compare_titles(_drop_first_artist(a, b), _drop_first_artist(b, a))]
    items += compare_versions(a.side, b.side)
    items += compare_artists(a, b)
    items += compare_albums(a, b)
    lengths = list(_compare_lengths(a.description.duration_ms, b.description.duration_ms))
    refused = {item.rule for item in items if item.kind == "differs"}
    same_album = bool(a.album.key) and a.album.key == b.album.key
    items = weigh_by_album(items, a, b)
    if any(item.rule == "length-same" for item in lengths):
        settled = _SETTLED_ON_ALBUM if share_album(a, b) else _SETTLED_BY_LENGTH
        items = [_settle_by_length(item, settled, same_album) for item in items]
    items += lengths
    if a.isrc and b.isrc:
        items = list(_weigh_isrc(a.isrc == b.isrc, items, refused))
    yield from items


def _drop_first_artist(side: Prepared, other: Prepared) -> Title:
    """Return the title of ``side``: "Alone" for "Love: Alone" by Bob and Love, where the other side
    names Love first, so that reading it took "Love" for no part of the title."""
    lead = side.title.lead
    if not lead or other.title.lead:
        return side.title
    written = (other.credit.primary, *other.description.artists[:1])
    firsts = {fold_name(" ".join(split_words(name))) for name in written}
    return replace(side.title, lead=()) if fold_name(" ".join(lead)) in firsts else side.title


def _compare_lengths(a: int | None, b: int | None) -> Iterator[Evidence]:
    if not a or not b or min(a, b) < _SHORTEST:
        return
    apart = abs(a - b)
    text = f"{apart / 1000:.0f} s apart"
    if apart <= SAME_LENGTH and min(a, b) >= _TELLING:
        yield Evidence("duration", "agrees", text, "length-same")
    elif apart <= CLOSE_LENGTH:
        yield Evidence("duration", "agrees", text, "length-close")
    elif apart > FAR_LENGTH:
        yield Evidence("duration", "doubt", text, "length-far")
    else:
        yield Evidence("duration", "note", text, "length-near")


def _settle_by_length(item: Evidence, settled: frozenset[str], same_album: bool) -> Evidence:
    if item.kind == "doubt" and item.rule in settled:
        return replace(item, kind="note", text=f"{item.text} (but of the same length)")
    if same_album and item.kind == "differs" and item.rule in _DOUBTED_BY_ALBUM:
        return replace(item, kind="doubt", text=f"{item.text} (but of one length and album)")
    return item


def _weigh_isrc(equal: bool, items: list[Evidence], refused: set[str]) -> Iterator[Evidence]:
    """Yield ``items`` in the light of two ISRCs: evidence, never proof.

    The same ISRC settles doubts about spelling, but one ISRC for all movements of a work happens:
    what differs becomes a doubt, also where its length had made it one (``refused``), and lengths
    far apart stay one.
    """
    if not equal:
        yield from items
        text = "different ISRCs; a recording may have several"
        yield Evidence("isrc", "note", text, "isrc-other")
        return
    lifted = {"doubt": "note", "differs": "doubt"}
    for item in items:
        lifted_before = item.kind == "doubt" and item.rule in refused
        if item.field == "duration" or item.kind not in lifted or lifted_before:
            yield item
        else:
            text = f"{item.text} (but the same ISRC)"
            yield replace(item, kind=lifted[item.kind], text=text)
    yield Evidence("isrc", "agrees", "the same ISRC", "isrc-equal")


def decide(evidence: tuple[Evidence, ...]) -> Verdict:
    """Return the verdict: the gravest kind of evidence decides."""
    kinds = {item.kind for item in evidence}
    if "differs" in kinds:
        return Verdict.DIFFERENT
    return Verdict.REVIEW if "doubt" in kinds else Verdict.MATCH
