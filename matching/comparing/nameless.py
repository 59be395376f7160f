"""Titles that many albums have one of: "Intro", "Main Title", "Kapitel 1"."""

from __future__ import annotations

from matching.reading.normalize import split_words, word_set
from matching.reading.titles import Title

# Titles that many albums have one of.
_SECTION_NAMES = frozenset(
    split_words(name)
    for name in (
        "intro", "introduction", "outro", "interlude", "skit", "untitled", "prelude", "overture",
        "ouverture", "ouvertüre", "opening", "ending", "finale", "prologue", "epilogue",
        "entr'acte", "intermission", "intermezzo", "main title", "main titles", "main theme",
        "love theme",
        "opening title", "opening titles", "opening credits", "opening theme", "ending theme",
        "end title", "end titles", "end credits", "closing credits", "closing theme", "credits",
        "title theme", "title screen", "menu", "main menu", "game over", "game start", "boss",
        "boss battle", "boss theme", "battle theme", "staff roll", "chapter", "kapitel", "chapitre",
        "capitulo", "capitolo", "track", "bonus track", "hidden track", "teil", "part", "titel",
        "theme", "suite", "act", "scene", "drum solo", "guitar solo", "bass solo", "piano solo",
        "band introduction", "band introductions", "encore", "encore break", "applause", "tuning",
        "narration", "monologue", "exit music", "curtain call", "bows", "transition", "segue",
    )
)  # fmt: skip
_TEMPOS = word_set(
    "allegro allegretto adagio andante andantino largo larghetto lento moderato presto vivace "
    "grave scherzo menuetto menuet minuet rondo trio assai molto con brio ma non troppo e"
)

_SECTION_ENDS = frozenset(
    (word,) for word in ("intro", "outro", "interlude", "skit", "untitled", "prelude")
)


def is_nameless(title: Title) -> bool:
    """Tell "Intro", "Paul - Skit" and "Untitled" from a song's name."""
    core = title.core[:-1] if len(title.core) == 2 and title.core[1].isdigit() else title.core
    words = {word for word in title.core if not word.isdigit()}
    return (
        core in _SECTION_NAMES  # "Main Title", "Kapitel 1"
        or (len(title.core) > 1 and words <= _TEMPOS)  # "I. Allegro", not "Grave"
        or title.core[-1:] in _SECTION_ENDS
        or any(v.kind == "section" for v in title.versions)
    )
