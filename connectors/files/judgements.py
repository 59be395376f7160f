"""Rows that say of themselves that they are no likes: thumbs down, ``Loved=0``, removed."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

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
    sentiment positive ispositive active isactive inlibrary isinlibrary
    verdict judgement judgment estlike dislikelike aime jaime favori favoris favorit favorito
    favorita gefalltmir magich megusta preferito preferita mipiace ulubione ulubiony
    curtida curtido gostei лайк нравится избранное お気に入り いいね 喜欢 收藏 喜歡"""
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
    unloved notinterested hidden ishidden isnegative negative suggestless"""
)
#: Columns that say how a row stands; only the words of ``ENDED`` mean anything here.
STATE_NAMES = words(
    """status state narada likestate trackstatus type action event eventtype thumbtype
    transactiontype activity activitytype operation change"""
)
#: With dates in them these are times of liking and no judgement.
DATE_NAMES = frozenset({"liked", "saved"})
#: Words inside longer names, such as "Still Liked" and "Favorite Status - Track".
LIKE_WORDS = words(
    """like liked love loved favorite favorited favourite favourited fav starred heart hearted
    thumb thumbs"""
)
DISLIKE_WORDS = words(
    """dislike disliked unliked unloved hate hated ban banned blocked blacklisted removed deleted
    excluded hidden unsaved unfavorited unstarred"""
)
#: Names with these say when, by whom, how many or something of another kind than the song.
OTHER_WORDS = words(
    """at on date time timestamp since by count counts number total album artist playlist genre
    year id url uri"""
)
#: With one of these a rating is a person's own, as in "Your Rating".
OWN_WORDS = words("my your user own personal star track song")
WHEN = words("at on date time timestamp since")

YES = TRUE_WORDS - {"explicit"} | words(
    """like likes liked love loves loved lovedtrack thumbsup thumbup up favorite favorited
    favourite favourited star starred heart hearted saved positive good t on x ja oui si sì
    sí sim tak evet はい 是 + +1 l ✓ ✔ ✅ ♥ ❤ ♡ 👍 ⭐ ★ 喜欢 upvote upvoted"""
)
NO = FALSE_WORDS - {"clean"} | words(
    """dislike dislikes disliked notliked notloved unliked unloved thumbsdown thumbdown down
    hate hates hated ban banned blocked remove removed deleted excluded negative bad f off
    nein non nie nej não nao hayır hayir いいえ 否 -1 ✗ ✘ ❌ 👎 💔 downvote downvoted suggestless
    nolonger notanymore"""
)
#: Words with which a service says that nobody has judged a song.
UNJUDGED = words("notrated unrated neutral indifferent norating nofeedback")
NEUTRAL = UNJUDGED | words("unset none nan null undefined n/a \\n - ? unknown nothing")
ENDED = words(
    """removed deleted unliked unloved disliked banned removing gone ended inactive dislike
    thumbsdown thumbdown down hate hated ban unlike unlove unfavorite unfavourite unstar remove
    delete unfavorited unstarred unsave unsaved downvote downvoted thumbeddown"""
)
#: A rating of at most this share of its scale says no; from the other up it says yes.
LOW, HIGH = 0.4, 0.7
TOPS = (5, 10, 100, 255)
SHOWN = 3
#: A word of a column's name: "isLikedByUser" has four.
_NAME_PART = re.compile(r"[A-ZÀ-Þ]?[^\W\d_A-ZÀ-Þ]+|[A-ZÀ-Þ]+")
_STARS = re.compile(r"[★⭐✭*]*[☆✩]*")
_POINTS = re.compile(r"(\d+(?:\.\d+)?)(?:(?:/|outof)(\d+))?(?:stars?|sterne?|etoiles?|estrellas?)?")
_SKIN = re.compile("[\ufe0f\U0001f3fb-\U0001f3ff]")


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


class Kind(Enum):
    """The sort of judgement that a column holds."""

    LIKE = "like"
    SCALE = "scale"
    DISLIKE = "dislike"
    ENDING = "time of an unlike"
    STATE = "state"


def find_kind(name: str) -> Kind | None:
    """Return the sort of judgement that a column of this name holds, if it holds any."""
    key = make_key(name)
    for names, kind in (
        (LIKE_NAMES, Kind.LIKE),
        (SCALE_NAMES, Kind.SCALE),
        (DISLIKE_NAMES, Kind.DISLIKE),
        (STATE_NAMES, Kind.STATE),
    ):
        if key in names:
            return kind
    parts = {part.casefold() for part in _NAME_PART.findall(name)}
    if parts & DISLIKE_WORDS and not parts & LIKE_WORDS:
        others = parts & OTHER_WORDS
        return Kind.DISLIKE if not others else Kind.ENDING if others <= WHEN else None
    if parts & LIKE_WORDS:
        return Kind.LIKE if not parts & OTHER_WORDS else None
    is_own = "rating" in parts and parts & OWN_WORDS and not parts & OTHER_WORDS
    return Kind.SCALE if is_own else None


def says_yes(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a column of these rows says of any that it is a like."""
    for place, name in enumerate(names):
        if find_kind(name) is Kind.LIKE:
            cells = [row[place] if place < len(row) else "" for row in rows]
            if True in (_read_column(Kind.LIKE, make_key(name), cells) or ()):
                return True
    return False


def judge(names: Sequence[str], columns: Sequence[Sequence[str]]) -> Judgement:
    """Judge each row by its cells in ``columns``, which are named ``names``.

    A row is no like if a column says no to it, or if a column that says yes to other rows, or
    that nobody has judged, says nothing to it and no column says yes.
    """
    judgement = Judgement()
    yes: set[int] = set()
    silent: dict[int, str] = {}
    # Words first: they are the better reason.
    for name, cells in sorted(zip(names, columns, strict=True), key=_is_numeric):
        kind = find_kind(name)
        verdicts = _read_column(kind, make_key(name), cells) if kind else None
        if verdicts is None:
            continue
        if unknown := next((verdict for verdict in verdicts if isinstance(verdict, str)), None):
            says = f"has values that Narada does not know, such as “{unknown}”"
        elif kind is Kind.LIKE and cells and not any(map(str.strip, cells)):
            says = "is empty"
        else:
            says = ""
        likes_any = any(verdict is True for verdict in verdicts)
        if says and not likes_any:
            judgement.unknown.append(f"the column {name} {says}; its rows were read as likes")
        for row, verdict in enumerate(verdicts):
            said = clean_detail(cells[row])[:40]
            reason = f"{name} “{said}”" if said else f"nothing in {name}"
            if verdict is True:
                yes.add(row)
            elif verdict is False:
                judgement.refused.setdefault(row, reason)
            elif likes_any or (kind is Kind.LIKE and _fold(cells[row]) in UNJUDGED):
                silent.setdefault(row, reason)
    for row, reason in silent.items():
        if row not in yes:
            judgement.refused.setdefault(row, reason)
    return judgement


def _is_numeric(column: tuple[str, Sequence[str]]) -> bool:
    return any(cell.strip() and not _fold(cell).strip("-.").isalpha() for cell in column[1])


def _read_column(kind: Kind, key: str, cells: Sequence[str]) -> list[bool | str | None] | None:
    """Yes, no or nothing for each row, or a value that nobody knows.

    None for a column that is no judgement, as times of liking and counts are none.
    """
    folded = [_fold(cell) for cell in cells]
    said = {word: cell for word, cell in zip(folded, cells, strict=True) if word}
    filled = said.keys() - NEUTRAL
    if kind is Kind.STATE:
        if not filled & ENDED:
            return None
        return [False if word in ENDED | NO else None for word in folded]
    if key in DATE_NAMES and (not filled or any(map(read_date, said.values()))):
        return None
    meanings = _read_numbers(kind, key, filled)
    if meanings is None:
        meanings = {word: _read_word(kind, word, said[word]) for word in filled}
    if filled and not meanings:
        return None
    return [meanings.get(word) for word in folded]


def _read_word(kind: Kind, word: str, cell: str) -> bool | str | None:
    """A word's meaning for a like, or itself where nobody knows it."""
    is_date = read_date(cell) is not None
    if kind is Kind.ENDING:
        return False if is_date else None
    if kind is Kind.DISLIKE:
        if word in FALSE_WORDS:
            return None
        return False if is_date or word in YES | ENDED | NO else clean_detail(cell)[:40]
    if word in YES or (is_date and kind is Kind.LIKE):
        return True
    return False if word in NO | ENDED else clean_detail(cell)[:40]


def _read_numbers(kind: Kind, key: str, filled: set[str]) -> dict[str, bool | str | None] | None:
    """The meanings of a column of numbers; empty for one that judges nothing; None for words."""
    points = {word: _read_points(word, kind) for word in filled}
    numbers = {word: found[0] for word, found in points.items() if found}
    if len(numbers) < len(points) or not numbers:
        return None
    low, high = min(numbers.values()), max(numbers.values())
    whole = set(numbers.values())
    if kind in (Kind.DISLIKE, Kind.ENDING) or (kind is Kind.LIKE and whole <= {0, 1}):
        return None
    is_score = "score" in key
    if whole <= {-1, 0, 1} and (-1 in whole or is_score or key == "feedback"):
        return {word: True if n == 1 else False if n == -1 else None for word, n in numbers.items()}
    if kind is Kind.LIKE:
        return None
    if low < 0 or is_score:
        return {word: False if n < 0 else None for word, n in numbers.items()} if low < 0 else {}
    named = max((found[1] for found in points.values() if found), default=0)
    top = named or next((top for top in TOPS if high <= top), 0)
    if not top or high <= 1:
        return {word: word for word in numbers}
    is_thumbs = whole <= {0, 1, 5}
    return {
        word: False
        if 0 < number <= LOW * top
        else True
        if is_thumbs and number >= HIGH * top
        else None
        for word, number in numbers.items()
    }


def _read_points(word: str, kind: Kind) -> tuple[float, int] | None:
    """A number, "4/5", "4 stars" or "★★★★☆" as its points and the most that there are, or 0."""
    if kind is Kind.SCALE and _STARS.fullmatch(word):
        return sum(mark in "★⭐✭*" for mark in word), 5
    found = _POINTS.fullmatch(word) if kind is Kind.SCALE else None
    if found:
        return float(found[1]), int(found[2] or 0)
    try:
        return float(word), 0
    except ValueError:
        return None


def _fold(cell: str) -> str:
    """A cell as a word: "Thumbs-Up" is ``thumbsup``, 1.0 is ``1``, RATING_LIKE is ``like``."""
    word = _SKIN.sub("", unicodedata.normalize("NFKC", cell).casefold().strip())
    if word.endswith(".0"):
        word = word[:-2]
    if word[1:].replace(".", "").isdigit() and word[:1] in "-+":
        return word.removeprefix("+")
    joined = "".join(letter for letter in word if letter not in " _-–'’.")
    return joined.removeprefix("rating") if any(map(str.isalpha, joined)) else word
