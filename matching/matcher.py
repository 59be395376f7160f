"""Are two descriptions the same recording? Evidence first, then one verdict.

Each field is looked at by itself and yields evidence. One ``differs`` keeps two tracks apart, one
``doubt`` asks for a person, and only agreement throughout is a MATCH. Missing data is neutral.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from matching.artists import Credit, compare_credits, read_credit
from matching.descriptions import Choice, Comparison, Evidence, TrackDescription, Verdict
from matching.normalize import clean, fold, split_words, squash
from matching.title_comparison import compare_titles
from matching.titles import Title, take_apart
from matching.versions import compare_versions

# No real name is longer; what is gets cut, so that no text however long takes long.
_LONGEST = 1000

# Lengths of the same recording on two services; see docs/matching.md for the measurement.
CLOSE_MS = 5_000
FAR_MS = 20_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A description taken apart once, for comparing in bulk."""

    description: TrackDescription
    title: Title
    credit: Credit
    album: frozenset[str]
    album_key: str
    isrc: str


def prepare(description: TrackDescription) -> Prepared:
    """Return ``description`` taken apart; ``compare`` takes it in place of the description."""
    title = take_apart(_cut(description.title))
    artists = tuple(_cut(artist) for artist in description.artists[:50])
    album_text = _cut(description.album)
    album = split_words(album_text) if album_text else ()
    return Prepared(
        description=description,
        title=title,
        credit=read_credit(artists, title.guests),
        album=frozenset(album),
        album_key=squash(split_words(take_apart(album_text).core_text)) if album else "",
        isrc=fold(description.isrc).replace(" ", "").upper() if description.isrc.strip() else "",
    )


def _cut(text: str) -> str:
    """Return ``text``, or its beginning and a hash of the whole where it is too long."""
    if len(text) <= _LONGEST // 2:
        return text
    cleaned = clean(text[:_LONGEST])
    if len(text) <= _LONGEST and len(cleaned) <= _LONGEST:
        return text
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{cleaned[:_LONGEST]} {digest}"


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
    REVIEW. Among matches of one recording the best score wins, then the first.
    """
    sought = wanted if isinstance(wanted, Prepared) else prepare(wanted)
    prepared = [c if isinstance(c, Prepared) else prepare(c) for c in candidates]
    comparisons = tuple(compare(sought, candidate) for candidate in prepared)
    if not comparisons:
        return Choice(Verdict.DIFFERENT, None, (), "no candidates")
    order = sorted(range(len(prepared)), key=lambda i: (-comparisons[i].score, i))
    matches = [i for i in order if comparisons[i].verdict is Verdict.MATCH]
    if matches:
        best = matches[0]
        for other in matches[1:]:
            if compare(prepared[best], prepared[other]).verdict is Verdict.DIFFERENT:
                reason = "ambiguous: two candidates match and differ from each other"
                return Choice(Verdict.REVIEW, best, comparisons, reason)
        return Choice(Verdict.MATCH, best, comparisons, _say_why(comparisons[best]))
    reviews = [i for i in order if comparisons[i].verdict is Verdict.REVIEW]
    if reviews:
        best = reviews[0]
        return Choice(Verdict.REVIEW, best, comparisons, _say_why(comparisons[best]))
    return Choice(Verdict.DIFFERENT, None, comparisons, "no candidate is the same recording")


def _say_why(comparison: Comparison) -> str:
    wanted = "doubt" if comparison.verdict is Verdict.REVIEW else "agrees"
    return "; ".join(e.text for e in comparison.evidence if e.kind == wanted)


def gather_evidence(a: Prepared, b: Prepared) -> Iterator[Evidence]:
    """Yield what each field says; ids and albums first settle what they can settle."""
    items = [*compare_titles(a.title, b.title)]
    items += compare_versions(a.title, b.title, a.album, b.album)
    items += _compare_artists(a.credit, b.credit)
    items += _compare_lengths(a.description.duration_ms, b.description.duration_ms)
    items += _compare_albums(a, b)
    if a.isrc and b.isrc:
        items = list(_weigh_isrc(a.isrc == b.isrc, items))
    yield from items


_ARTISTS = {
    "missing": ("note", "one side names no artist"),
    "equal": ("agrees", "the same artists"),
    "primary": ("agrees", "the same first artist"),
    "contained": ("agrees", "the artists of one side are among those of the other"),
    "shared": ("doubt", "an artist in common, but not the first one"),
    "near": ("doubt", "the artists are spelled alike, but not the same"),
    "other": ("differs", "no artist in common"),
}


def _compare_artists(a: Credit, b: Credit) -> Iterator[Evidence]:
    relation = compare_credits(a, b)
    kind, text = _ARTISTS[relation]
    if a.imitator != b.imitator:
        yield Evidence("artists", "differs", "one side is a tribute or karaoke act")
        return
    if relation == "missing":
        kind = "doubt" if a.everyone or b.everyone else "note"
    yield Evidence("artists", kind, text)


def _compare_lengths(a: int | None, b: int | None) -> Iterator[Evidence]:
    if not a or not b or min(a, b) < 10_000:  # some exports give minutes or seconds as ms
        return
    apart = abs(a - b)
    text = f"{apart / 1000:.0f} s apart"
    if apart <= CLOSE_MS:
        yield Evidence("duration", "agrees", text)
    elif apart > FAR_MS:
        yield Evidence("duration", "doubt", text)
    else:
        yield Evidence("duration", "note", text)


def _compare_albums(a: Prepared, b: Prepared) -> Iterator[Evidence]:
    if not a.album or not b.album:
        return
    if a.album_key == b.album_key:
        yield Evidence("album", "agrees", "the same album")
    else:
        yield Evidence("album", "note", "on different albums")


def _weigh_isrc(equal: bool, items: list[Evidence]) -> Iterator[Evidence]:
    """Yield ``items`` in the light of two ISRCs: evidence, never proof.

    The same ISRC lifts doubts about spelling, but one ISRC for all movements of a work happens:
    what differs becomes a doubt, and lengths far apart stay one.
    """
    if not equal:
        yield from items
        yield Evidence("isrc", "note", "different ISRCs; a recording may have several")
        return
    lifted = {"doubt": "note", "differs": "doubt"}
    for item in items:
        if item.field == "duration" or item.kind not in lifted:
            yield item
        else:
            yield Evidence(item.field, lifted[item.kind], f"{item.text} (but the same ISRC)")
    yield Evidence("isrc", "agrees", "the same ISRC")


def decide(evidence: tuple[Evidence, ...]) -> Verdict:
    """Return the verdict: the gravest kind of evidence decides."""
    kinds = {item.kind for item in evidence}
    if "differs" in kinds:
        return Verdict.DIFFERENT
    return Verdict.REVIEW if "doubt" in kinds else Verdict.MATCH


def estimate(evidence: tuple[Evidence, ...]) -> float:
    """Return the share of pairs with such evidence that are the same recording."""
    count = {kind: sum(e.kind == kind for e in evidence) for kind in ("differs", "doubt")}
    agreed = {e.field for e in evidence if e.kind == "agrees"}
    if count["differs"]:
        return 0.02 if count["differs"] == 1 else 0.01
    if count["doubt"]:
        return 0.5 if count["doubt"] == 1 else 0.2
    return 0.999 if {"duration", "album"} <= agreed or "isrc" in agreed else 0.99
