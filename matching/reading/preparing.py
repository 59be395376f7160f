"""Descriptions taken apart once, whatever they hold, so that many can be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from matching.descriptions import TrackDescription
from matching.reading.alias_files import load_composers
from matching.reading.artists import Credit, fold_name, read_credit, read_guests, split_names
from matching.reading.normalize import clean, fold, repair, split_words, squash, word_set
from matching.reading.notes import Segment, read_note
from matching.reading.tags import BEFORE_LIVE
from matching.reading.titles import Title, split_segments, take_apart

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
    artists, notes = _cut_versions(tuple(_limit_credit(description.artists)))
    text, own = _cut_own_artist(text, artists)
    title = take_apart(" ".join([text, *(f"({note})" for note in sorted(notes))]))
    title = replace(title, lead=own + title.lead) if own else title
    if composer and fold_name(composer) not in map(fold_name, artists):
        artists = (composer, *artists)
    credit = read_credit(artists)
    title = _drop_names(title, credit)
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


def _cut_versions(artists: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """Return ("The Cranberries",) and ["Live"] for ("The Cranberries (Live)",)."""
    if not any(c in artist for artist in artists for c in "(["):
        return artists, []
    kept, notes = [], []
    for artist in artists:
        segments = list(split_segments(artist))
        cut = [
            segment
            for segment in segments
            if segment.place == "bracket"
            and any(note.meaning == "version" for note in read_note(segment))
        ]
        # "初音ミク V3 (English)" is a voice, and no version of a song.
        names = any(segment.place == "bracket" and "feat" in artist for segment in segments)
        if cut and not names:
            notes += [segment.text for segment in cut]
            artist = " ".join(s.text for s in segments if s not in cut)
        kept.append(artist)
    return tuple(kept), notes


def _cut_own_artist(title: str, artists: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return "Bzrp Music Sessions" and the words of "Quevedo" for "Quevedo: Bzrp Music Sessions" by
    Bizarrap and Quevedo."""
    head, sign, rest = title.partition(":" if ":" in title else " - ")
    if not head.strip() or not rest.strip() or not artists:
        return title, ()
    named = fold_name(head)
    if named not in {name for a in artists for name in (fold_name(a), *split_names(a))}:
        return title, ()
    if sign == " - " and any(n.meaning != "subtitle" for n in read_note(Segment("dash", rest))):
        return title, ()  # "Bad Company - Live"
    if named in (fold_name(artists[0]), *split_names(artists[0])[:1]):
        return rest.strip(), ()  # "Adele - Hello" by Adele
    return rest.strip(), split_words(head)


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


def _drop_names(title: Title, credit: Credit) -> Title:
    """Read "(feat. DPR LIVE)" as a name and not as live, where the credit has that name."""
    named = {
        note.versions
        for note in title.notes
        if note.meaning == "guests"
        and note.versions
        and not credit.everyone.isdisjoint(read_guests(note.text))
    }
    dropped = {version for versions in named for version in versions}
    if not dropped:
        return title
    return replace(title, versions=tuple(v for v in title.versions if v not in dropped))


def _read_album(text: str) -> Album:
    if not text.strip():
        return Album(frozenset(), "", frozenset(), "")
    title = take_apart(text)
    # "Fearless (Taylor's Version)" and "Greatest Hits, Vol. 2" are albums of their own.
    kinds = sorted({version.kind for version in title.versions})
    named = (*title.core, *kinds, *title.parts)
    words = split_words(text)
    # "Glory Days (Expanded Edition)", but "STAY (with Justin Bieber)" is the single "STAY"
    edition = squash((*title.full, *title.parts, *map(fold, (*title.harmless, *title.singles))))
    return Album(frozenset(words), squash(named), read_album_kinds(words, title), edition)


def _limit_credit(artists: tuple[str, ...]) -> Iterator[str]:
    """Yield the artists that have a name, up to as many letters as any real credit has."""
    left = _LONGEST_CREDIT
    for artist in filter(str.strip, artists):
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


# Words of an album that say its tracks are such versions: "Live at Masters of Rock 2019".
_ALBUM_WORDS = {
    "live": word_set("live unplugged concert vivo concierto"),
    "acoustic": word_set("acoustic unplugged stripped"),
    "remix": word_set("remix remixes remixed reworks rmx"),
    "instrumental": word_set("instrumental instrumentals"),
    "session": word_set("session sessions singles"),
    "demo": word_set("demo demos"),
    "rerecording": word_set("taylors rerecorded revisited"),  # "Fearless (Taylor's Version)"
    "karaoke": word_set("karaoke"),
    "orchestral": word_set("orchestra orchestral philharmonic symphonic"),
}


# "Live Through This" and "Live and Let Die" are no concerts, "Live 1969" and "Live Rust" are.
_AFTER_A_VERB = word_set(
    "through forever your my and to for it life wire like or love well let free fast young laugh "
    "high is the this with without while who now"
)


_AFTER_LIVE = word_set("at in from on recordings album sessions session ep tapes")


class Album(NamedTuple):
    """An album's words, empty if unknown, its name without notes, squashed, the kinds of version
    that it says all its tracks are, and its name with the edition but without guests, squashed."""

    words: frozenset[str]
    key: str
    kinds: frozenset[str]
    edition: str


def read_album_kinds(words: tuple[str, ...], title: Title) -> frozenset[str]:
    """Return the kinds of version that all tracks of an album are: "Live at Leeds" is live, "I
    Don't Wanna Live Forever" and "Eternal Sunshine (slightly deluxe and also live)" are not."""
    kinds = {kind for kind, told in _ALBUM_WORDS.items() if not told.isdisjoint(words)}
    if "live" in kinds and (_ALBUM_WORDS["live"] - {"live"}).isdisjoint(words):
        noted = any(v.kind == "live" for v in title.versions) and "deluxe" not in words
        triples = zip(("", *words), words, (*words[1:], ""), strict=False)
        placed = any(
            word == "live"
            and (after.isdigit() or (after in _AFTER_LIVE and before not in BEFORE_LIVE))
            for before, word, after in triples  # not "The World We Live In"
        )
        opens = words[0] == "live" and (len(words) == 1 or words[1] not in _AFTER_A_VERB)
        if not (noted or placed or opens):
            kinds.discard("live")
    return frozenset(kinds)


class Side(NamedTuple):
    """What one description says that bears on its version."""

    title: Title
    credit: Credit
    album: Album
