"""What it means that titles of one core have other subtitles."""

from __future__ import annotations

from collections import Counter

from rapidfuzz.distance import OSA

from matching.comparing.spellings import spells_out
from matching.descriptions import Evidence
from matching.reading.normalize import squash, word_set
from matching.reading.notes import Note
from matching.reading.number_words import NUMBER_WORDS
from matching.reading.tags import OF_VERSIONS, ROMAN, SURE_ROMAN
from matching.reading.titles import Title

# A subtitle of this many words on one side only is the song's longer name: in the labelled pairs
# "Silent Running (On Dangerous Ground)" always was. A shorter one may name a version: "(Day)".
_LONG_SUBTITLE = 3
_PLACES = word_set("at from in on for inside")
_CAUSES = word_set("support aid memory honor honour")  # "- In Support Of The … Fund"
NEARLY_ALIKE = 0.79


def compare_subtitles(a: Title, b: Title) -> Evidence:
    """Compare the subtitles of two titles whose cores are equal."""
    extra_a = {words for words in (*a.subtitles, a.lead) if words}
    extra_b = {words for words in (*b.subtitles, b.lead) if words}
    squashed_a, squashed_b = ({squash(w) for w in extra} for extra in (extra_a, extra_b))
    if squashed_a == squashed_b:
        text = "titles equal but for the order of their subtitles"
        return Evidence("title", "agrees", text, "title-equal")
    if squashed_a <= squashed_b or squashed_b <= squashed_a:
        longer, shorter = (extra_a, squashed_b) if extra_a > extra_b else (extra_b, squashed_a)
        if len(squashed_a) > len(squashed_b):
            longer, shorter = extra_a, squashed_b
        extra = (words for words in longer if squash(words) not in shorter)
        return weigh_subtitles(a, b, *extra)
    joined_a, joined_b = "".join(sorted(squashed_a)), "".join(sorted(squashed_b))
    shared = _count_shared(extra_a, extra_b)
    if shared > 0.5 or OSA.normalized_similarity(joined_a, joined_b) > NEARLY_ALIKE:
        return Evidence("title", "doubt", "the subtitles differ a little", "subtitles-near")
    return Evidence("title", "differs", "the subtitles differ", "other-subtitle")


def _count_shared(a: set[tuple[str, ...]], b: set[tuple[str, ...]]) -> float:
    """Return the share (0 to 1) of the words of the longer subtitles that both have."""
    words_a, words_b = (Counter(w for words in extra for w in words) for extra in (a, b))
    return (words_a & words_b).total() / max(words_a.total(), words_b.total())


def weigh_subtitles(a: Title, b: Title, *extra: tuple[str, ...]) -> Evidence:
    """Weigh the subtitles that one side has and the other has not."""
    notes = [n for title in (a, b) for n in title.notes if n.words and n.words in extra]
    named = " and ".join(sorted({f"'{note.text}'" for note in notes}))
    text = f"the subtitle {named} is on one side only" if named else "a subtitle is on one side"
    if notes and all(spells_out(note.text, squash(a.core)) for note in notes):
        return Evidence("title", "agrees", f"{named} spells the title out", "title-respelled")
    whole = not a.cut_off and not b.cut_off
    if notes and whole and all(_is_long(n) and not _names_place(n) for n in notes):
        return Evidence("title", "agrees", text, "long-subtitle-one-side")
    return Evidence("title", "doubt", text, "subtitle-one-side")


def _names_place(note: Note) -> bool:
    """Tell "- Songs from the Bedroom", which says where it was played, from "(From Me to You)"."""
    return (
        note.place == "dash"
        and not _PLACES.isdisjoint(note.words[:-1])
        and _CAUSES.isdisjoint(note.words)
    )


def _is_long(note: Note) -> bool:
    """Tell whether a subtitle is long enough to be no version, and no movement either: "(Three
    Stars Will Shine Tonight)", but not "(III. Allegro ma non troppo)"."""
    words = tuple(word for word in note.words if word != "and")  # "(U & I)"
    first = note.text.split()[0].casefold()
    if not words or words[0] in SURE_ROMAN or not OF_VERSIONS.isdisjoint(words):
        return False
    if not words[0].isalpha() and (note.place == "dash" or first not in NUMBER_WORDS):
        return False
    if len(words) == _LONG_SUBTITLE and words[1] == "by":  # "(Avicii by Avicii)"
        return False
    numbered = any(map(str.isdigit, note.text)) or words[-1] in ROMAN  # "(Final Fantasy X)"
    return len(words) >= _LONG_SUBTITLE + 2 * numbered
