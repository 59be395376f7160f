"""Descriptions taken apart once, whatever they hold, so that many can be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from matching.alias_files import load_composers
from matching.artists import Credit, fold_name, read_credit, split_names
from matching.descriptions import TrackDescription
from matching.normalize import clean, fold, repair, split_words, squash
from matching.titles import Title, take_apart
from matching.versions import Album, Side

# No real name is longer; what is gets cut, so that no text however long takes long.
_LONGEST = 400
_LONGEST_CREDIT = 2_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A description taken apart once, for comparing in bulk."""

    description: TrackDescription
    title: Title
    credit: Credit
    album: Album
    isrc: str

    @property
    def side(self) -> Side:
        """What bears on the version."""
        return Side(self.title, self.credit, self.album)


def prepare(description: TrackDescription) -> Prepared:
    """Return ``description`` taken apart; ``compare`` takes it in place of the description."""
    text, composer = _cut_composer(_limit(description.title))
    title = take_apart(text)
    artists = tuple(_limit_credit(description.artists))
    if composer and fold_name(composer) not in map(fold_name, artists):
        artists = (composer, *artists)
    credit = read_credit(artists)
    title = _move_names_to_guests(title, credit)
    return Prepared(
        description=description,
        title=title,
        credit=read_credit(artists, title.guests) if title.guests else credit,
        album=_read_album(_limit(description.album)),
        isrc=fold(description.isrc).replace(" ", "").upper() if description.isrc.strip() else "",
    )


def _cut_composer(title: str) -> tuple[str, str]:
    """Return "Concerto in E" and "Antonio Vivaldi" for "Vivaldi: Concerto in E"."""
    head, colon, rest = title.partition(":")
    composer = load_composers().get(fold(head), "") if colon and rest.strip() else ""
    return (rest.strip(), composer) if composer else (title, "")


def _move_names_to_guests(title: Title, credit: Credit) -> Title:
    """Read "Drip Too Hard (Lil Baby & Gunna)" by Lil Baby as naming its artists, and so "Peaceful
    Easy Feeling - Eagles 2013 Remaster"."""
    named = {
        note.words: text
        for note in title.notes
        if note.meaning == "subtitle"
        for text in (note.text, " ".join(note.words))
        if not credit.everyone.isdisjoint(split_names(text))
    }
    if not named:
        return title
    kept = tuple(words for words in title.subtitles if words not in named)
    return replace(title, subtitles=kept, guests=(*title.guests, *named.values()))


def _read_album(text: str) -> Album:
    if not text.strip():
        return Album(frozenset(), "")
    title = take_apart(text)
    # "Fearless (Taylor's Version)" and "Greatest Hits, Vol. 2" are albums of their own.
    kinds = sorted({version.kind for version in title.versions})
    named = (*title.core, *kinds, *title.parts)
    return Album(frozenset(split_words(text)), squash(named))


def _limit_credit(artists: tuple[str, ...]) -> Iterator[str]:
    """Yield the artists, up to as many letters as any real credit has."""
    left = _LONGEST_CREDIT
    for artist in artists:
        if left <= 0:
            return
        left -= len(artist)
        yield _limit(artist)


def _limit(text: str) -> str:
    """Return ``text``, or its beginning and a hash of the whole where it is too long; text that
    was read in a wrong encoding as it should be."""
    if len(text) <= _LONGEST // 2:
        return repair(text)
    cleaned = clean(text[:_LONGEST])
    if len(text) <= _LONGEST and len(cleaned) <= _LONGEST:
        return repair(text)
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{cleaned[:_LONGEST]} {digest}"
