"""What it means that two credits name the same acts, or a guest or partner on one side only."""

from __future__ import annotations

import re
from collections.abc import Iterator

from matching.comparing.albums import share_album
from matching.comparing.artists import compare_credits, find_unmatched
from matching.descriptions import Evidence
from matching.reading.artists import cut_credit, fold_name, read_guests
from matching.reading.normalize import squash
from matching.reading.preparing import Prepared

_NAMES_EVERYBODY = re.compile(r"^(?!.*\b(?:feat|ft|featuring)\b).*(?:,|\bwith\b)", re.I)

_OWN_BAND = frozenset(("his", "her", "their"))

_COMPANY = 3

_ARTISTS = {
    "missing": ("doubt", "one side names no artist"),
    "equal": ("agrees", "the same artists"),
    "primary": ("agrees", "the same first artist"),
    "ensemble": ("agrees", "the same artist with and without a band"),
    "respelled": ("agrees", "the artists are spelled otherwise and read alike"),
    "contained": ("agrees", "the artists of one side are among those of the other"),
    "second": ("doubt", "the artist of one side is not the first on the other"),
    "shared": ("doubt", "an artist in common, but not the first one"),
    "near": ("doubt", "the artists are spelled alike, but not the same"),
    "other-script": ("doubt", "the artists are named in different scripts"),
    "other": ("differs", "no artist in common"),
}


def compare_artists(a: Prepared, b: Prepared) -> Iterator[Evidence]:
    """Yield evidence about the artists: who they are, then guests and partners."""
    relation = compare_credits(a.credit, b.credit)
    kind, text = _ARTISTS[relation]
    if a.credit.imitator != b.credit.imitator:
        text = "one side is a tribute or karaoke act"
        yield Evidence("artists", "differs", text, "imitator")
        return
    if relation == "second" and _is_named_guest(a, b):
        # "Titanium (feat. Sia)" by David Guetta and by Sia; but "Smooth (feat. Rob Thomas)" by
        # Scary Pockets is a cover of the one by Rob Thomas
        kind, text, relation = "doubt", "one side names the titles' guest as artist", "guest-first"
    if relation == "other" and share_album(a, b):
        # "Go Crazy" on "Slime & B": each service names another of the two
        kind, text, relation = "doubt", f"{text}, but the same album", "by-album"
    yield Evidence("artists", kind, text, f"artists-{relation}")
    if kind == "agrees" and a.credit.cast != b.credit.cast:
        yield Evidence("artists", "doubt", "only one side names a cast", "cast-one-side")
    if kind != "agrees" or relation == "respelled" or a.credit.everyone == b.credit.everyone:
        return
    only_a, only_b = find_unmatched(a.credit, b.credit), find_unmatched(b.credit, a.credit)
    if relation in ("equal", "primary"):
        yield from _compare_guests(a, b, only_a, only_b)
    if only_a and not only_b:
        yield from _compare_partners(a, b, only_a, relation)
    elif only_b and not only_a:
        yield from _compare_partners(b, a, only_b, relation)


def _compare_guests(
    a: Prepared, b: Prepared, only_a: list[str], only_b: list[str]
) -> Iterator[Evidence]:
    """Yield what it means that a guest is named on one side: "Forever (feat. Lil Wayne)" is not
    "Forever (feat. Fridayy)", and "Lets Link (feat. Tyga)" is another take of "Lets Link"."""
    if only_a and only_b:
        names = sorted((*_write_names(only_a, a), *_write_names(only_b, b)))
        text = f"other guests: {', '.join(names)}"
        yield Evidence("artists", "doubt", text, "guests-differ")
    elif _names_in_title(only_a, a) or _names_in_title(only_b, b):
        names = _write_names(only_a, a) or _write_names(only_b, b)
        text = f"only one title names {', '.join(names)}"
        # A company of guests is another cast: "American Idiot (feat. John Gallagher Jr., …)"; and
        # without brackets the guest is of the title: "Girl, so confusing featuring lorde".
        company = max(len(only_a), len(only_b)) >= _COMPANY
        inside = _names_guest_inside(a) != _names_guest_inside(b)
        kind = "doubt" if company or inside else "note"
        singles = {squash(a.title.core), squash(b.title.core)}
        if a.album.edition == b.album.edition != "":
            kind = "note"
        elif a.album.edition and b.album.edition and singles.isdisjoint((a.album.key, b.album.key)):
            # "Power (feat. Stormzy)" came with "Glory Days (Expanded Edition)"; on one of two
            # singles or a single and its album the guest is mostly left out
            kind = "doubt"
        yield Evidence("artists", kind, text, "guest-one-side")


def _compare_partners(
    fuller: Prepared, other: Prepared, unmatched: list[str], relation: str
) -> Iterator[Evidence]:
    """Yield what it means that one joined credit names an act that neither the other side nor a
    title does: "Elton John with Ronan Keating" sang "Your Song" once more.

    A list that names fewer is often not whole, and so are names joined by "and"; "featuring",
    "with" and a comma are written by who names everybody.
    """
    if len(fuller.credit.wholes) != 1 or share_album(fuller, other):
        return
    named, named_there = (set(map(fold_name, s.description.artists)) for s in (fuller, other))
    # "Hugo Montenegro & His Orchestra"
    extra = [name for name in unmatched if name.split()[0] not in _OWN_BAND]
    if not extra or named == named_there:  # "SWV", "Sisters With Voices"
        return
    if _names_in_title(extra, fuller) or _names_in_title(extra, other):
        return
    written = " ".join(fuller.description.artists)
    if relation == "ensemble" and not _NAMES_EVERYBODY.search(written):
        return  # "Prince & The Revolution"
    text = f"only one side's artist names {', '.join(_write_names(extra, fuller))}"
    if fuller.credit.featured and other.credit.featured:
        # both sides tell who sings: "… feat. 鏡音リン", "… feat. 鏡音リン, 鏡音レン"
        yield Evidence("artists", "doubt", text, "singers-differ")
        return
    befriended = extra == ["friends"] and len(fuller.credit.main) == 2  # "Ann and Friends"
    strength = "doubt" if befriended or _NAMES_EVERYBODY.search(written) else "note"
    yield Evidence("artists", strength, text, "partner-one-side")


def _names_guest_inside(side: Prepared) -> bool:
    """Tell "Girl, so confusing featuring lorde" from "Girl, so confusing (feat. Lorde)"."""
    return any(note.meaning == "guests" and note.place == "core" for note in side.title.notes)


def _write_names(names: list[str], side: Prepared) -> list[str]:
    """Return folded ``names`` as the side writes them, as far as they can be found there."""
    written = {
        fold_name(piece): piece
        for text in (*side.description.artists, *side.title.guests)
        for piece in (*cut_credit(text), text)
    }
    return [written.get(name, name) for name in names]


def _is_named_guest(a: Prepared, b: Prepared) -> bool:
    """Tell whether both titles name the same guests, and one side's artists are such guests."""
    guests, others = ({n for t in s.title.guests for n in read_guests(t)} for s in (a, b))
    return (
        bool(guests) and guests == others and (a.credit.main <= guests or b.credit.main <= guests)
    )


def _names_in_title(names: list[str], side: Prepared) -> bool:
    """Tell whether the title names one of ``names``: the rest a service only credits."""
    if not names or not side.title.guests:
        return False
    guests = {name for text in side.title.guests for name in read_guests(text)}
    return not guests.isdisjoint(names)
