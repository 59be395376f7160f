"""Songs that a listener likes on Spotify, with what Last.fm has of them and which page is right.

Each kind is a way in which the two services name a song differently. What is right follows from
how a song was made, and from no rule of Narada's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.song_words import FIRST_NAMES, LAST_NAMES, NOUNS, PLACES, SCRIPTS, Words

Name = tuple[str, str]

EDITS = (
    "Radio Edit",
    "Single Version",
    "Edit",
    "Single Edit",
    "Radio Version",
    "Album Version",
    "Single Mix",
    "Original Version",
    "Video Edit",
    "Main Version",
)
MASTERINGS = (
    "2011 Remaster",
    "Remastered 2009",
    "2004 Digital Remaster",
    "Remastered",
    "2015 Remastered Version",
    "Remastered Version",
    "Mono",
    "Stereo",
    "2003 Remaster",
    "Remaster 2019",
    "Digitally Remastered",
    "Deluxe Edition",
    "Bonus Track",
    "40th Anniversary Edition",
    "Mono / 2009 Remaster",
    "Explicit",
    "Album Version",
)
VERSIONS = ("Live", "Live at the Roundhouse", "Acoustic", "Instrumental", "Demo", "Café Noir Remix",
            "Extended Mix", "Acoustic Version", "Karaoke Version", "Live in Tokyo, 1994",
            "A Cappella", "Orchestral Version")  # fmt: skip


@dataclass
class Song:
    """A liked song. ``own`` is the page it is played under, ``unplayed`` those that are right for
    who plays none of them; ``others`` are names of other songs that this user plays, ``beside``
    those played only by who plays the song."""

    kind: str
    title: str
    artists: tuple[str, ...]
    length: int
    own: Name | None
    pages: dict[Name, int] = field(default_factory=dict)
    unplayed: frozenset[Name] | None = None
    corrections: list[tuple[Name, Name]] = field(default_factory=list)
    others: list[Name] = field(default_factory=list)
    beside: list[Name] = field(default_factory=list)
    lengths: dict[Name, int] = field(default_factory=dict)
    #: Nobody can know from names alone: a question is right, too, if it shows the right page.
    may_ask: bool = False

    @property
    def spotify_name(self) -> Name:
        return self.artists[0], self.title


Kind = Callable[[Words], Song]


def make(words: Words, kind: str, title: str, artists: tuple[str, ...], own: Name | None) -> Song:
    song = Song(kind, title, artists, words.length(), own)
    if own is not None:
        song.pages[own] = words.listeners()
    return song


def plain(words: Words) -> Song:
    artist, title = words.artist(), words.title()
    return make(words, "plain", title, (artist,), (artist, title))


def several_artists(words: Words) -> Song:
    artist, title = words.artist(), words.title()
    artists = (artist, *{words.artist(), words.artist()} - {artist})
    return make(words, "several artists", title, artists, (artist, title))


def add_note(words: Words, title: str, note: str) -> str:
    return words.chance.choice((f"{title} - {note}", f"{title} - {note}", f"{title} ({note})"))


def mastering(words: Words) -> Song:
    """The page is under the plain name; under the noted one is none, or a ghost."""
    artist, title = words.artist(), words.title()
    noted = add_note(words, title, words.chance.choice(MASTERINGS))
    song = make(words, "mastering", noted, (artist,), (artist, title))
    if words.chance.random() < 0.5:
        song.pages[artist, noted] = words.chance.randrange(3)
    return song


def mastering_of_its_own(words: Words) -> Song:
    """Both names have a page; who plays neither is right under the name as liked."""
    artist, title = words.artist(), words.title()
    noted = add_note(words, title, words.chance.choice(MASTERINGS))
    song = make(words, "mastering with a page", noted, (artist,), (artist, title))
    song.pages[artist, noted] = 30 + words.listeners() // 20
    song.unplayed = frozenset({(artist, noted)})
    return song


def edit_played_plain(words: Words) -> Song:
    """The noted page is real and was never played; the user's music is on the plain one."""
    artist, title = words.artist(), words.title()
    noted = add_note(words, title, words.chance.choice(EDITS))
    song = make(words, "edit, played plain", noted, (artist,), (artist, title))
    song.pages[artist, noted] = 30 + words.listeners() // 20
    song.unplayed = frozenset({(artist, noted)})
    return song


def edit_played_noted(words: Words) -> Song:
    artist, title = words.artist(), words.title()
    noted = add_note(words, title, words.chance.choice(EDITS))
    song = make(words, "edit, played noted", noted, (artist,), (artist, noted))
    song.pages[artist, title] = words.listeners()
    if words.chance.random() < 0.5:
        song.beside.append((artist, title))
    return song


def edit_ghost(words: Words) -> Song:
    """No page or a ghost under the noted name, and a real one under the plain name."""
    artist, title = words.artist(), words.title()
    noted = add_note(words, title, words.chance.choice(EDITS))
    song = make(words, "edit, ghost", noted, (artist,), (artist, title))
    if words.chance.random() < 0.5:
        song.pages[artist, noted] = words.chance.randrange(3)
    song.may_ask = True
    return song


def own_dash(words: Words) -> Song:
    """A title with a dash of its own, and a note after it."""
    artist = words.artist()
    dash = words.chance.choice((" – ", " - ", " — ", ": ", " / "))
    title = f"{words.title()}{dash}{words.chance.choice(NOUNS)}?"
    note = words.chance.choice(MASTERINGS)
    song = make(words, "dash of its own", f"{title} - {note}", (artist,), (artist, title))
    if words.chance.random() < 0.5:
        song.pages[artist, song.title] = words.chance.randrange(3)
    return song


def own_dash_alone(words: Words) -> Song:
    artist = words.artist()
    dash = words.chance.choice((" – ", " - ", " — ", ": "))
    title = f"{words.title()}{dash}{words.chance.choice(NOUNS)} {words.chance.choice(PLACES)}"
    return make(words, "dash and no note", title, (artist,), (artist, title))


def corrected_artist(words: Words) -> Song:
    wrong, right = words.chance.choice(SCRIPTS)
    title = words.title()
    song = make(words, "artist in another script", title, (wrong,), (right, title))
    song.corrections.append(((wrong, title), (right, title)))
    return song


def corrected_spelling(words: Words) -> Song:
    """Last.fm corrects a variant of the artist's name."""
    right, title = words.artist(), words.title()
    wrong = right.removeprefix("The ") if right.startswith("The ") else f"The {right}"
    song = make(words, "artist's variant", title, (wrong,), (right, title))
    song.corrections.append(((wrong, title), (right, title)))
    return song


def guest(words: Words) -> Song:
    """The guest is named by Spotify's title and list, and by Last.fm in one of its ways."""
    artist, title = words.artist(), words.title()
    other = words.chance.choice([a for a in LAST_NAMES if a not in artist]) + " Brown"
    mark = words.chance.choice(("feat. ", "ft. ", "with ", "featuring "))
    noted = f"{title} ({mark}{other})"
    own = words.chance.choice((
        (artist, noted), (artist, title), (artist, f"{title} (feat. {other})"),
        (artist, f"{title} ft. {other}"), (f"{artist} feat. {other}", title),
        (artist, f"{title} [feat. {other}]"),
    ))  # fmt: skip
    song = make(words, "guest", noted, (artist, other), own)
    if own == (artist, title):
        song.pages[artist, noted] = words.chance.choice((0, 1, 900))
        song.unplayed = frozenset({own, (artist, noted)})
        song.may_ask = True
    elif own != (artist, noted):
        # Players that read Spotify's names scrobble these, so that they have a page as well.
        song.pages[artist, noted] = 900
        song.unplayed = frozenset({(artist, noted)})
    return song


def vary_signs(words: Words) -> Song:
    """The two services write the same title with other signs."""
    artist = words.artist()
    base = words.title()
    noun = words.chance.choice(NOUNS)
    title, written = words.chance.choice((
        (f"{base} – {noun}’s Day", f"{base} - {noun}'s Day"),
        (f"{base}, Pt. 2", f"{base}, Part 2"), (f"{base} (Part Two)", f"{base}, Pt. 2"),
        (f"{base} & {noun}", f"{base} and {noun}"), (f"“{noun}” {base}", f'"{noun}" {base}'),
        (f"{base}…", f"{base}..."), (base.upper(), base), (f"{base} No. 5", f"{base} #5"),
        (f"Café {base}", f"Cafe {base}"), (f"{base} {noun}!", f"{base} {noun}"),
        (unicodedata.normalize("NFD", f"Über {base}"), f"Über {base}"),
        (f"{noun}in' {base}", f"{noun}ing {base}"), (f"{base} ({noun})", f"{base} [{noun}]"),
        (f"Colour of {base}", f"Color of {base}"), (f"{base} Vol. 3", f"{base}, Vol. III"),
    ))  # fmt: skip
    song = make(words, "other signs", title, (artist,), (artist, written))
    if words.chance.random() < 0.5:
        song.corrections.append(((artist, title), (artist, written)))
    else:
        song.pages[artist, title] = 900
        song.unplayed = frozenset({(artist, title)})
    return song


def vary_quotes(words: Words) -> Song:
    """Last.fm has the title with the signs of a keyboard only, and corrects nothing."""
    artist, base, noun = words.artist(), words.title(), words.chance.choice(NOUNS)
    title = words.chance.choice((f"{base} – {noun}’s Day", f"“{noun}” {base}", f"{base} ‘{noun}’"))
    written = title.translate(str.maketrans("’‘“”–", "''\"\"-"))
    return make(words, "quotes of a keyboard", title, (artist,), (artist, written))


def version(words: Words) -> Song:
    """Another version is liked and has its page; the studio take is played as well."""
    artist, title = words.artist(), words.title()
    noted = add_note(words, title, words.chance.choice(VERSIONS))
    song = make(words, "a version", noted, (artist,), (artist, noted))
    song.pages[artist, title] = words.listeners()
    song.others.append((artist, title))
    return song


def version_without_page(words: Words) -> Song:
    """A version is liked that Last.fm does not know; the studio take, which is played, is wrong."""
    song = version(words)
    song.kind = "a version without a page"
    del song.pages[song.spotify_name]
    song.own = None
    return song


def studio_take(words: Words) -> Song:
    """The studio take is liked; only other versions of it were played."""
    artist, title = words.artist(), words.title()
    song = make(words, "studio take, versions played", title, (artist,), (artist, title))
    for note in words.chance.sample(VERSIONS, 2):
        song.others.append((artist, add_note(words, title, note)))
        song.pages[song.others[-1]] = words.listeners()
    return song


def part(words: Words) -> Song:
    artist, title = words.artist(), words.title()
    shape = words.chance.choice(("{}, Pt. {}", "{} (Part {})", "{} {}", "{} - Part {}"))
    song = make(
        words, "a part", shape.format(title, 2), (artist,), (artist, shape.format(title, 2))
    )
    for number in (1, 3):
        song.others.append((artist, shape.format(title, number)))
        song.pages[song.others[-1]] = words.listeners()
    return song


def cover(words: Words) -> Song:
    """Another act's song of the same name is played."""
    artist, title = words.artist(), words.title()
    song = make(words, "another act's song", title, (artist,), (artist, title))
    song.others.append((f"{words.chance.choice(FIRST_NAMES)} Testarossa", title))
    song.pages[song.others[0]] = words.listeners() * 3
    return song


def nowhere(words: Words) -> Song:
    artist, title = words.artist(), words.title()
    title = add_note(words, title, words.chance.choice(EDITS + MASTERINGS))
    return make(words, "nowhere", title, (artist,), None)


def long_edit(words: Words) -> Song:
    """The plain page that is played is of a longer recording: a question with both is right."""
    song = edit_played_plain(words)
    song.kind, song.may_ask = "edit, other length", True
    assert song.own is not None
    assert song.unplayed is not None
    song.lengths[song.own] = song.length + 95_000
    song.unplayed |= {song.own}
    return song


#: Kinds with how many of a thousand likes are of them, by library.
LIBRARIES: dict[str, dict[Kind, int]] = {
    "mixed": {
        plain: 420, several_artists: 80, mastering: 90, mastering_of_its_own: 20,
        edit_played_plain: 40, edit_played_noted: 20, edit_ghost: 6, own_dash: 30,
        own_dash_alone: 20, corrected_artist: 40, corrected_spelling: 20, guest: 50,
        vary_signs: 50, vary_quotes: 10, version: 30,
        version_without_page: 6, studio_take: 30, part: 20, cover: 15, nowhere: 3,
    },
    "notes": {
        plain: 300, mastering: 220, mastering_of_its_own: 80, edit_played_plain: 120,
        edit_played_noted: 60, edit_ghost: 30, own_dash: 80, guest: 60, nowhere: 20, long_edit: 30,
    },
    "spellings": {
        plain: 250, several_artists: 100, own_dash: 60, own_dash_alone: 80, corrected_artist: 120,
        corrected_spelling: 60, vary_signs: 170, vary_quotes: 30, guest: 60, cover: 40, nowhere: 30,
    },
    "neighbours": {
        plain: 300, mastering: 60, version: 160, version_without_page: 40, studio_take: 200,
        part: 120, cover: 80, edit_played_plain: 40,
    },
}  # fmt: skip


def make_library(name: str, seed: int) -> list[Song]:
    """Return a thousand liked songs, oldest like first."""
    words = Words(seed)
    songs = [kind(words) for kind, count in LIBRARIES[name].items() for _ in range(count)]
    words.chance.shuffle(songs)
    return songs
