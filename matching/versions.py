"""Do two titles, taken apart, name the same version of a song?"""

from __future__ import annotations

from collections.abc import Iterator

from matching.descriptions import Evidence
from matching.normalize import word_set
from matching.titles import Title, Version

# Kinds that on one side only are a reason to look, not to refuse: another edit or an unnamed mix
# is often the same recording under a longer name.
SOFT_KINDS = frozenset({"edit", "cut", "mix", "version", "language"})

# Words of an album that say its tracks are such versions: "Live at Masters of Rock 2019".
_ALBUM_WORDS = {
    "live": word_set("live unplugged concert vivo concierto bootleg"),
    "acoustic": word_set("acoustic unplugged stripped"),
    "remix": word_set("remix remixes remixed reworks rmx"),
    "instrumental": word_set("instrumental instrumentals"),
    "session": word_set("session sessions singles"),
    "mixed": word_set("mixed mix"),
    "demo": word_set("demo demos"),
}


def compare_versions(
    a: Title, b: Title, album_a: frozenset[str], album_b: frozenset[str]
) -> Iterator[Evidence]:
    """Yield evidence about the version; ``album_*`` are the albums' words, empty if unknown."""
    kinds_a, kinds_b = _by_kind(a), _by_kind(b)
    for kind in sorted(kinds_a.keys() | kinds_b.keys()):
        if kind in kinds_a and kind in kinds_b:
            yield from _compare_qualifiers(kind, kinds_a[kind], kinds_b[kind])
        else:
            version, album = (
                (kinds_a[kind], album_b) if kind in kinds_a else (kinds_b[kind], album_a)
            )
            yield _weigh_one_sided(kind, version, album)
    yield from _compare_lengths_named(a, b)
    if not kinds_a and not kinds_b:
        yield from _compare_live_albums(album_a, album_b)


def _by_kind(title: Title) -> dict[str, Version]:
    """Return one version a kind; several notes of a kind join their qualifiers."""
    found: dict[str, Version] = {}
    for version in title.versions:
        known = found.get(version.kind)
        if known:
            version = Version(
                version.kind, known.qualifier | version.qualifier, f"{known.text}, {version.text}"
            )
        found[version.kind] = version
    return found


def _weigh_one_sided(kind: str, version: Version, other_album: frozenset[str]) -> Evidence:
    if other_album & _ALBUM_WORDS.get(kind, frozenset()):
        text = f"'{version.text}' on one side; the other side's album says so too"
        return Evidence("version", "doubt", text)
    strength = "doubt" if kind in SOFT_KINDS else "differs"
    return Evidence("version", strength, f"'{version.text}' only on one side")


def _compare_qualifiers(kind: str, a: Version, b: Version) -> Iterator[Evidence]:
    first, second = sorted((a, b), key=lambda v: v.text)
    if first.qualifier == second.qualifier or "".join(sorted(first.qualifier)) == "".join(
        sorted(second.qualifier)
    ):
        yield Evidence("version", "agrees", f"both are '{first.text}'")
    elif first.qualifier <= second.qualifier or second.qualifier <= first.qualifier:
        text = f"'{first.text}' against '{second.text}': one says more"
        yield Evidence("version", "doubt", text)
    elif kind in ("live", "acoustic") and first.qualifier & second.qualifier:
        text = f"'{first.text}' against '{second.text}': perhaps the same event"
        yield Evidence("version", "doubt", text)
    else:
        yield Evidence("version", "differs", f"'{first.text}' against '{second.text}'")


def _compare_lengths_named(a: Title, b: Title) -> Iterator[Evidence]:
    """Yield what "- Radio Edit", "- 2015 Mix" and "(1964)" on one side mean."""
    soft_a, soft_b = {s.casefold() for s in a.soft}, {s.casefold() for s in b.soft}
    if soft_a != soft_b:
        named = " and ".join(f"'{text}'" for text in sorted({*a.soft, *b.soft}))
        yield Evidence("version", "doubt", f"{named} may be another length or mix")
    if a.years != b.years:
        kind = "differs" if a.years and b.years else "doubt"
        named = ", ".join(sorted({*a.years, *b.years}))
        yield Evidence("version", kind, f"a year in brackets: {named}")


def _compare_live_albums(a: frozenset[str], b: frozenset[str]) -> Iterator[Evidence]:
    if not a or not b:
        return
    live = _ALBUM_WORDS["live"] - {"bootleg"}
    if bool(a & live) != bool(b & live):
        yield Evidence("album", "doubt", "only one side's album is live")
