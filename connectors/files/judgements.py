"""Rows that say of themselves that they are no likes: thumbs down, ``Loved=0``, removed."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.files.columns import make_key
from connectors.files.values import FALSE_WORDS, TRUE_WORDS, clean_detail, read_date, words

#: Columns whose yes is a like.
LIKE_NAMES = words(
    """loved isloved love userloved lovedtrack liked isliked islikedbyuser likedbyuser
    userliked like likestatus likestate likerating favorite isfavorite favorited
    favoritestatus favourite isfavourite favourited favouritestatus starred isstarred
    hearted isheart heart saved issaved issavedtrack insaved insavedtracks inlikedsongs
    isfavoritetrack thumb thumbs thumbsup thumbup thumbrating ratinginterpretation
    ratingtext feedback feedbacktype userfeedback preference opinion vote uservote reaction
    verdict judgement judgment estlike like dislikelike aime jaime gefalltmir megusta
    curtida curtido лайк нравится お気に入り"""
)
#: Columns of stars, points or thumbs.
SCALE_NAMES = words(
    """rating userrating myrating ratingvalue stars starrating score userscore feedbackscore
    bewertung calificacion valutazione оценка"""
)
#: Columns whose yes is the opposite of a like.
DISLIKE_NAMES = words(
    """disliked isdisliked dislike isdislike thumbsdown thumbdown banned isbanned ban hated
    ishated hate blocked isblocked removed isremoved deleted isdeleted unliked isunliked
    unloved notinterested hidden ishidden"""
)
#: Columns that say how a row stands; only the words of ``ENDED`` mean anything here.
STATE_NAMES = words(
    """status state narada likestate trackstatus type action event eventtype thumbtype"""
)
#: With dates in them these are times of liking and no judgement.
DATE_NAMES = frozenset({"liked", "saved"})

YES = TRUE_WORDS - {"explicit"} | words(
    """like likes liked love loves loved lovedtrack thumbsup thumbup up favorite favorited
    favourite favourited star starred heart hearted saved positive good t on x ja oui si sì
    sí sim tak evet はい 是 + +1 l ✓ ✔ ✅ ♥ ❤ ♡ 👍 ⭐ ★ 喜欢"""
)
NO = FALSE_WORDS - {"clean"} | words(
    """dislike dislikes disliked notliked notloved unliked unloved thumbsdown thumbdown down
    hate hates hated ban banned blocked remove removed deleted excluded negative bad f off
    nein non nie nej não nao hayır hayir いいえ 否 -1 ✗ ✘ ❌ 👎 💔"""
)
NEUTRAL = words(
    """notrated unrated unset none neutral indifferent nan null undefined n/a \\n - ? unknown
    norating nofeedback nothing"""
)
ENDED = words(
    """removed deleted unliked unloved disliked banned removing gone ended inactive dislike
    thumbsdown thumbdown down hate hated ban unlike unlove unfavorite unfavourite unstar"""
)
#: A rating of at most this share of its scale says no; from the other up it says yes.
LOW, HIGH = 0.4, 0.7
SHOWN = 3


@dataclass
class Judgement:
    """Which rows say that they are no likes, each with what it says, and what nobody understood."""

    refused: dict[int, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    @property
    def note(self) -> str:
        parts = []
        if self.refused:
            said = Counter(self.refused.values()).most_common(SHOWN)
            shown = ", ".join(f"{count:,} with {reason}" for reason, count in said)
            more = len(set(self.refused.values())) > SHOWN
            parts.append(
                f"left out because they say that they are not likes: {len(self.refused):,} "
                f"({shown}{', and others' if more else ''})"
            )
        return "; ".join([*parts, *self.unknown])


def is_judgement(name: str) -> bool:
    key = make_key(name)
    return key in LIKE_NAMES | SCALE_NAMES | DISLIKE_NAMES | STATE_NAMES


def judge(names: Sequence[str], columns: Sequence[Sequence[str]]) -> Judgement:
    """Judge each row by its cells in ``columns``, which are named ``names``.

    A row is no like if a column says no to it, or if a column that says yes to other rows says
    nothing to it and no column says yes.
    """
    judgement = Judgement()
    yes: set[int] = set()
    silent: dict[int, str] = {}
    # Words first: they are the better reason.
    for name, cells in sorted(zip(names, columns, strict=True), key=_is_numeric):
        verdicts = _read_column(make_key(name), cells)
        if verdicts is None:
            continue
        if isinstance(verdicts, str):
            judgement.unknown.append(
                f"the column {name} has values that Narada does not know, such as “{verdicts}”; "
                "its rows were read as likes"
            )
            continue
        says_yes = any(verdict is True for verdict in verdicts)
        for row, verdict in enumerate(verdicts):
            said = clean_detail(cells[row])[:40]
            reason = f"{name} “{said}”" if said else f"nothing in {name}"
            if verdict is True:
                yes.add(row)
            elif verdict is False:
                judgement.refused.setdefault(row, reason)
            elif says_yes:
                silent.setdefault(row, reason)
    for row, reason in silent.items():
        if row not in yes:
            judgement.refused.setdefault(row, reason)
    return judgement


def _is_numeric(column: tuple[str, Sequence[str]]) -> bool:
    return any(cell.strip() and not _fold(cell).strip("-.").isalpha() for cell in column[1])


def _read_column(key: str, cells: Sequence[str]) -> list[bool | None] | str | None:
    """Yes, no or nothing for each row; a value that nobody knows; None for a column without any."""
    folded = [_fold(cell) for cell in cells]
    said = {word: cell for word, cell in zip(folded, cells, strict=True) if word}
    filled = said.keys() - NEUTRAL
    if key in STATE_NAMES:
        if not filled & ENDED:
            return None
        return [False if word in ENDED | NO else None for word in folded]
    if not filled or (key in DATE_NAMES and any(map(read_date, said.values()))):
        return None
    meanings = _read_numbers(key, filled)
    if meanings is None:
        meanings = {word: _read_word(key, word, said[word]) for word in filled}
    if not meanings:
        return None
    if all(meaning == "" for meaning in meanings.values()):
        return clean_detail(said[min(filled)])[:40]
    return [meaning if isinstance(meaning := meanings.get(word), bool) else None for word in folded]


def _read_word(key: str, word: str, cell: str) -> bool | str | None:
    """A word's meaning for a like; "" for one that nobody knows."""
    is_date = read_date(cell) is not None
    if key in DISLIKE_NAMES:
        return False if is_date or word in YES | ENDED | NO - FALSE_WORDS else None
    if word in YES or (is_date and key in LIKE_NAMES):
        return True
    return False if word in NO | ENDED else ""


def _read_numbers(key: str, filled: set[str]) -> dict[str, bool | str | None] | None:
    """The meanings of a column of numbers; empty for one that judges nothing; None for words."""
    try:
        numbers = {word: float(word) for word in filled}
    except ValueError:
        return None
    low, high = min(numbers.values()), max(numbers.values())
    whole = set(numbers.values())
    if key in DISLIKE_NAMES or (key in LIKE_NAMES and whole <= {0, 1}):
        return None
    if whole <= {-1, 0, 1} and (-1 in whole or key in ("score", "feedback", "feedbackscore")):
        return {word: True if n == 1 else False if n == -1 else None for word, n in numbers.items()}
    if key not in SCALE_NAMES or "score" in key:
        return None if key in LIKE_NAMES else {}
    top = next((top for top in (5, 10, 100) if high <= top), 0)
    if low < 0 or not top or high <= 1:
        return dict.fromkeys(numbers, "") if high <= 1 or not top else {}
    is_thumbs = whole <= {0, 1, 5}
    return {
        word: False
        if 0 < number <= LOW * top
        else True
        if is_thumbs and number >= HIGH * top
        else None
        for word, number in numbers.items()
    }


def _fold(cell: str) -> str:
    """A cell as a word: "Thumbs-Up" is ``thumbsup``, 1.0 is ``1``."""
    word = unicodedata.normalize("NFKC", cell).casefold().strip().replace("\ufe0f", "")
    if word.endswith(".0"):
        word = word[:-2]
    if word[1:].replace(".", "").isdigit() and word[:1] in "-+":
        return word.removeprefix("+")
    joined = "".join(letter for letter in word if letter not in " _-–'’.")
    return joined if any(map(str.isalpha, joined)) else word
