"""How one title may be written for another: letters for words, digits for words, no coarse word."""

from __future__ import annotations

from matching.reading.normalize import clean
from matching.reading.titles import Title

_SIGNS = {"2": "to", "4": "for"}
_CLEAN = {  # for a coarse word, as folding leaves it, the words that the radio plays
    "bitch": ("chick", "girl", "b", "lady", "witch"),
    "bitches": ("chicks", "girls", "ladies"),
    "fuck": ("forget", "f", "freak", "love", "eff"),
    "fucked": ("messed", "freaked"),
    "fuckin": ("freakin", "lovin", "f", "effin"),
    "shit": ("ish", "stuff", "s"),
    "ass": ("butt", "a", "thang"),
    "niggas": ("n", "ninjas", "homies", "ns"),
    "pussy": ("kitty", "p"),
    "hoes": ("ladies", "girls"),
}


def cleans_up(a: Title, b: Title) -> bool:
    """Tell whether ``b`` says for the radio what ``a`` says: "Sexy Bitch", "Sexy Chick"."""
    if len(a.full) != len(b.full):
        return False
    unlike = [(x, y) for x, y in zip(a.full, b.full, strict=True) if x != y]
    return bool(unlike) and all(y in _CLEAN.get(x, ()) for x, y in unlike)


def abbreviates(a: Title, b: Title) -> bool:
    """Tell whether ``a`` is the first letters of ``b``: "2DT", "2 Different Tears"."""
    if len(a.full) != 1 or not 2 < len(b.full) == len(a.full[0]):
        return False
    return a.full[0] == "".join(word[0] for word in b.full)


def spells_out(note: str, core: str) -> bool:
    """Tell whether a note says what the letters of a title stand for: "C.R.E.A.M. (Cash Rules
    Everything Around Me)"."""
    letters = "".join(word[0] for word in clean(note).casefold().split())
    return len(letters) > 2 and letters == core


def spells_with_digits(a: Title, b: Title) -> bool:
    """Tell whether ``a`` has "2" and "4" inside where ``b`` has words: "Nothing Compares 2 U"."""
    if len(a.full) != len(b.full):
        return False
    inner = range(1, len(a.full) - 1)
    pairs = enumerate(zip(a.full, b.full, strict=True))
    return all(
        x == y or (i in inner and _SIGNS.get(x) == y and f" {x} " in a.text) for i, (x, y) in pairs
    )
