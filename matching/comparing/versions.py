"""Do two titles, taken apart, name the same version of a song?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rapidfuzz.distance import OSA

from matching.descriptions import Evidence
from matching.reading.artists import Credit
from matching.reading.normalize import split_words, word_set
from matching.reading.notes import Version, is_year
from matching.reading.preparing import Album, Side
from matching.reading.romanise import is_latin
from matching.reading.titles import Title

# Kinds that on one side only are a reason to look, not to refuse: another edit or an unnamed mix
# is often the same recording under a longer name.
SOFT_KINDS = frozenset({"edit", "cut", "mix", "version", "medley"})


_ALBUMS_SAY = {
    "live": "is live",
    "remix": "is of remixes",
    "acoustic": "is acoustic",
    "instrumental": "is instrumental",
    "demo": "is of demos",
    "rerecording": "is recorded anew",
    "karaoke": "is of karaoke",
    "orchestral": "is orchestral",
}

# "CYANIDE" on "Spotify Singles" was recorded anew, mostly in another arrangement.
_STUDIO_SESSIONS = word_set("spotify singles")


_RADIO = word_set("bbc radio peel kexp npr")

# Kinds of which a place or day says which one.
_EVENTS = frozenset({"live", "acoustic", "session"})
# Kinds of which a person's name says which one.
_BY_NAME = frozenset({"remix", "mix", "edit", "cut", "version"})
_LENGTH_WORDS = word_set("edit extended short long full")
_EDIT_WORDS = word_set("edit edited version ver")


def compare_versions(a: Side, b: Side) -> Iterator[Evidence]:
    """Yield evidence about the version the two sides name."""
    same_album = bool(a.album.key) and a.album.key == b.album.key
    if a.title.versions or b.title.versions:
        yield from _compare_kinds(a, b, same_album)
    elif not same_album:
        yield from _compare_albums_named(a.album, b.album)
    yield from _compare_lengths_named(a.title, b.title)


def _compare_kinds(a: Side, b: Side, same_album: bool) -> Iterator[Evidence]:
    kinds_a, kinds_b = _by_kind(a.title), _by_kind(b.title)
    for kind in sorted(kinds_a.keys() | kinds_b.keys()):
        if kind in kinds_a and kind in kinds_b:
            known = _name_words(a.credit) & _name_words(b.credit)
            yield _compare_qualifiers(kind, kinds_a[kind], kinds_b[kind], known)
        elif kind in kinds_a:
            yield _weigh_one_sided(kinds_a[kind], a, b, same_album)
        else:
            yield _weigh_one_sided(kinds_b[kind], b, a, same_album)


def _by_kind(title: Title) -> dict[str, Version]:
    """Return one version a kind; several notes of a kind join their qualifiers."""
    found: dict[str, Version] = {}
    for version in title.versions:
        known = found.get(version.kind)
        if known and known.text != version.text:
            version = Version(
                version.kind, known.qualifier | version.qualifier, f"{known.text}, {version.text}"
            )
        found[version.kind] = version
    return found


def _name_words(credit: Credit) -> frozenset[str]:
    return frozenset(word for name in credit.everyone for word in name.split())


def _is_soft(version: Version, side: Side) -> bool:
    """Tell "- Interlude", which a song of an album may be all over, "(Nirvana Cover)" of Nirvana,
    and "- 1978 Recording", which may be the first."""
    if version.kind == "cover":
        names = {word for name in side.credit.everyone for word in split_words(name)}
        return bool(version.qualifier) and version.qualifier <= names
    if version.kind == "session" and "recording" in version.text.casefold():
        return _RADIO.isdisjoint(version.qualifier) and any(map(is_year, version.qualifier))
    return version.qualifier == {"interlude"} and any(
        note.place == "dash" and version in note.versions for note in side.title.notes
    )


def _weigh_one_sided(version: Version, side: Side, other: Side, same_album: bool) -> Evidence:
    kind = version.kind
    named = frozenset(split_words(version.text))
    if kind in other.album.kinds or (
        named <= other.album.words and not (kind == "live" and other.album.words)
    ):
        text = f"'{version.text}' on one side; the other side's album says so too"
        if same_album and kind == "live":  # a live album holds each song once, as a rule
            return Evidence("version", "agrees", text, "version-by-album")
        return Evidence("version", "doubt", text, "version-by-album")
    strength = "doubt" if kind in SOFT_KINDS or _is_soft(version, side) else "differs"
    # "(Faces Mix)" and "(Faces Edit)" are somebody's own, "(Mix)" may be a longer name of the same,
    # and so may "(Faces Edit)" where both sides name Faces as an artist.
    owned = kind in ("mix", "edit", "cut") and not version.qualifier <= (
        _name_words(side.credit) & _name_words(other.credit)
    )
    rule = f"named-{kind}" if owned else kind
    return Evidence("version", strength, f"'{version.text}' only on one side", f"{rule}-one-side")


def _compare_qualifiers(kind: str, a: Version, b: Version, known: frozenset[str]) -> Evidence:
    """Compare whose remix, or which concert; ``known`` are words of artists both sides name."""
    first, second = sorted((a, b), key=lambda v: v.text)
    words_a, words_b = _join_qualifier(a), _join_qualifier(b)
    against = f"'{first.text}' against '{second.text}'"
    if a.qualifier == b.qualifier or words_a == words_b:
        if _read_lengths(a) != _read_lengths(b):  # "Carl Cox Remix", "Carl Cox Remix Edit"
            return Evidence("version", "doubt", f"{against}: another length", "version-edit")
        return Evidence("version", "agrees", f"both are '{first.text}'", "version-equal")
    if a.qualifier <= b.qualifier or b.qualifier <= a.qualifier:
        extra = a.qualifier ^ b.qualifier
        # "Lucian Remix" and "Remix", both with Lucian
        one_more = bool(a.qualifier and b.qualifier) and _names_several(a) != _names_several(b)
        if not one_more and all(word in known or word.removesuffix("s") in known for word in extra):
            text = f"{against}, and both sides name that artist"
            return Evidence("version", "agrees", text, "version-by-artist")
        strength = "doubt" if kind != "live" or _may_be_another_night(a, b) else "agrees"
        return Evidence("version", strength, f"{against}: one says more", "version-says-more")
    if kind in _EVENTS and a.qualifier & b.qualifier:
        return Evidence("version", "doubt", f"{against}: perhaps the same event", "version-near")
    if kind in _BY_NAME and _are_near(a.qualifier, b.qualifier):
        rule = "mix-near" if kind in ("mix", "remix") else "version-near"
        return Evidence("version", "doubt", f"{against}: named nearly alike", rule)
    if is_latin("".join(a.qualifier)) != is_latin("".join(b.qualifier)):
        return Evidence("version", "doubt", f"{against}, in two scripts", "version-other-script")
    return Evidence("version", "differs", against, "other-version")


_JOINT = re.compile(r"[&+,]|\b(?:and|x|vs)\b", re.IGNORECASE)


def _names_several(version: Version) -> bool:
    """Tell "Y & Z Remix", which is not "Y Remix", from "Twisted Melons Remix"."""
    return bool(_JOINT.search(version.text))


def _join_qualifier(version: Version) -> str:
    """Return whose version it is, as one string: "Kygo's Remix" is "Kygo Remix"."""
    return "".join(sorted(word.removesuffix("s") for word in version.qualifier))


def _read_lengths(version: Version) -> frozenset[str]:
    return _LENGTH_WORDS.intersection(split_words(version.text))


def _may_be_another_night(a: Version, b: Version) -> bool:
    """Tell whether one place may be two concerts: not "Live from the iHeart (Music) Festival"."""
    fewer, more = sorted((a.qualifier, b.qualifier), key=len)
    extra = more - fewer
    return len(fewer) < 2 or len(extra) > 1 or any(c.isdigit() for word in extra for c in word)


def _are_near(a: frozenset[str], b: frozenset[str]) -> bool:
    """Tell whether names are mostly the same or spelled alike: "Mark DBV", "Mark DVB"."""
    if 2 * len(a & b - {"dj"}) >= max(len(a), len(b)):
        return True
    return OSA.normalized_similarity("".join(sorted(a)), "".join(sorted(b))) >= 0.8


def _compare_lengths_named(a: Title, b: Title) -> Iterator[Evidence]:
    """Yield what "- Single Version", "- Radio Edit" and "(1964)" on one side mean."""
    if a.edits != b.edits or a.singles != b.singles:
        yield from _compare_edits(a, b)
    if a.years != b.years:
        # "(1975)" and "(July 1975)" may be one
        apart = all(y not in z and z not in y for y in a.years for z in b.years)
        kind = "differs" if a.years and b.years and apart else "doubt"
        named = ", ".join(sorted({*a.years, *b.years}))
        yield Evidence("version", kind, f"a year in brackets: {named}", "year-note")


def _compare_edits(a: Title, b: Title) -> Iterator[Evidence]:
    edits_a, edits_b = ({_key_edit(s) for s in t.edits} for t in (a, b))
    singles_a, singles_b = ({s.casefold() for s in t.singles} for t in (a, b))
    if edits_a != edits_b:
        named = " and ".join(f"'{text}'" for text in sorted({*a.edits, *b.edits}))
        yield Evidence("version", "doubt", f"{named} may be another length or mix", "edit-note")
    elif singles_a != singles_b:
        named = " and ".join(f"'{text}'" for text in sorted({*a.singles, *b.singles}))
        text = f"{named} is mostly the same recording"
        # "2011 Mix" is the same take, and as long; a single may be cut.
        is_mix = all(_is_year_mix(text) for text in singles_a ^ singles_b)
        yield Evidence("version", "note", text, "year-mix" if is_mix else "single-note")


def _is_year_mix(text: str) -> bool:
    words = split_words(text)
    return len(words) == 2 and words[1] == "mix" and is_year(words[0])


def _key_edit(text: str) -> frozenset[str]:
    """Return what an edit is for: "Radio" and "Radio Edit" are one."""
    words = frozenset(split_words(text))
    return words - _EDIT_WORDS or words


def _compare_albums_named(a: Album, b: Album) -> Iterator[Evidence]:
    """Yield what it means that one side's album alone is live: "The Nights" on "Live at …"."""
    if not a.words or not b.words:
        return
    for kind, text in _ALBUMS_SAY.items():
        if (kind in a.kinds) != (kind in b.kinds):
            text = f"only one side's album {text}"
            yield Evidence("album", "doubt", text, f"{kind}-album-one-side")
            return
    if a.words != b.words and "live" in a.kinds & b.kinds:
        text = "the albums may be of different concerts"
        yield Evidence("album", "doubt", text, "other-live-album")
    if (a.words >= _STUDIO_SESSIONS) != (b.words >= _STUDIO_SESSIONS):
        text = "only one side's album is of studio sessions"
        yield Evidence("album", "doubt", text, "session-album-one-side")
