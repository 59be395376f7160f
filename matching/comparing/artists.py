"""Credits held against each other."""

from __future__ import annotations

from rapidfuzz.distance import Levenshtein

from matching.reading.alias_files import load_apart, load_composers, load_whole_names, squash_name
from matching.reading.artists import NOBODY, Credit, fold_name
from matching.reading.normalize import LOST, fits, word_set
from matching.reading.romanise import is_consonantal, is_latin, respell, sound_alike

_FEW = 8  # names of a credit that are looked at for one spelled nearly alike
_FEW_SIGNS = 6  # of a name in a script of syllables or words
_LONG_NAME = 5  # "Nas" is not named by "Lil Nas X"


_ENSEMBLES = word_set("trio quartet quintet sextet orchestra band combo ensemble")


def compare_credits(a: Credit, b: Credit) -> str:
    """Return how two credits relate, strongest first.

    ``missing`` (one says nothing), ``equal``, ``primary`` (the same first artist), ``ensemble``
    (the same with a band's name), ``contained`` (all of one side's names, split at every joint,
    are on the other, its first one or two main ones among them), ``respelled`` (of several words
    that are read alike), ``second`` (one's artist is named
    after another on the other), ``shared`` (another artist in common), ``near`` (spelled nearly
    alike, or one name within the other), ``other-script``, ``other``.
    """
    if not a.main or not b.main:
        return "missing"
    if (NOBODY.issuperset(a.wholes) or NOBODY.issuperset(b.wholes)) and a.wholes != b.wholes:
        return "missing"
    if len(a.wholes) == len(b.wholes) == 1 and frozenset((*a.wholes, *b.wholes)) in load_apart():
        return "other"
    if a.main == b.main or a.wholes == b.wholes or a.everyone == b.everyone:
        return "equal"
    if _squash_all(a.main) == _squash_all(b.main) or _name_family(a, b) or _name_family(b, a):
        return "equal"
    firsts_a, firsts_b = _list_firsts(a), _list_firsts(b)
    if firsts_a & firsts_b or _squash_all(firsts_a) & _squash_all(firsts_b):
        return "primary"
    if any(LOST in x + y and fits(x, y) for x in firsts_a for y in firsts_b):
        return "primary"
    if any(_are_ensemble(x, y) for x in firsts_a for y in firsts_b):
        return "ensemble"
    if any(_sound_alike(x, y) for x in firsts_a for y in firsts_b):
        return "primary"
    if _names_more(a, b) or _names_more(b, a):
        return "contained"
    if _names_composer(a, b) or _names_composer(b, a):
        return "contained"
    if min(len(a.main), len(b.main)) > 1 and (a.main <= b.everyone or b.main <= a.everyone):
        return "contained"
    all_a, all_b = a.everyone | a.pieces, b.everyone | b.pieces
    if a.main <= all_b or b.main <= all_a:
        return "second"  # Aerosmith's "Walk This Way" and Run-DMC's with Aerosmith
    if all_a & all_b or all_a.intersection(_list_acts(b)) or all_b.intersection(_list_acts(a)):
        return "shared"
    if any(is_consonantal(x + y) and sound_alike(x, y) for x in firsts_a for y in firsts_b):
        return "near"  # "عمرو مصطفى" is Amr, and Omar too
    if any(respell(x, y) for x in firsts_a for y in firsts_b):
        return "respelled"
    near_a, near_b = firsts_a.union(a.names[:_FEW]), firsts_b.union(b.names[:_FEW])
    if any(_are_near(x, y) for x in near_a for y in near_b):
        return "near"
    if all(is_latin(x) != is_latin(y) for x in firsts_a for y in firsts_b):
        return "other-script"
    return "other"


def _name_family(a: Credit, b: Credit) -> bool:
    """Tell whether ``a`` is "Inez & Charlie Foxx" and ``b`` is "Inez Foxx and Charlie Foxx"."""
    return bool(a.family) and b.main == {a.family, a.names[-1]}


def _names_more(a: Credit, b: Credit) -> bool:
    """Tell whether ``a`` names all of ``b`` and more, the first of ``a`` among them; "Crosby,
    Stills, Nash & Young" is an act of its own, not one more than "Crosby, Stills & Nash"."""
    if len(b.pieces) < 2 or not b.pieces <= a.pieces:
        return False
    known = load_whole_names()
    return a.names[0] in b.pieces and not (a.wholes[0] in known and b.wholes[0] in known)


def _names_composer(a: Credit, b: Credit) -> bool:
    """Tell whether ``a`` names a composer before all who play, and ``b`` only who plays."""
    players = a.everyone - {a.primary}
    return b.main <= players and a.primary in map(fold_name, load_composers().values())


def _list_acts(credit: Credit) -> set[str]:
    return {name for name in (*credit.wholes, credit.family) if name}


def _list_firsts(credit: Credit) -> set[str]:
    """Return the forms in which a credit's first artist is named.

    The first of a known band counts where a list names that person too ("Macklemore & Ryan Lewis";
    "Macklemore"), and so does the first of a family ("Paul & Linda McCartney").
    """
    firsts = {credit.primary, credit.wholes[0]}
    if credit.names and credit.names[0] in credit.main:
        firsts.add(credit.names[0])
    family = "" if credit.wholes[0] in load_whole_names() else credit.family
    firsts.update(name for name in (family, credit.act, credit.written) if name)
    return firsts


def _sound_alike(a: str, b: str) -> bool:
    """Tell whether one name in another script is written as the other sounds: "Кино", "Kino"."""
    if is_latin(a) == is_latin(b) or is_consonantal(a + b):
        return False
    return sound_alike(a, b)


def find_unmatched(a: Credit, b: Credit) -> list[str]:
    """Return the names of ``a`` without a counterpart in ``b``, in order.

    "pharrell" and "pharrell williams" are counterparts, "roddy rich" and "roddy ricch" too.
    """
    if a.everyone <= b.everyone:
        return []
    others = b.everyone | b.pieces | frozenset(b.wholes)
    text = squash_name(" ".join(sorted(others)))
    missing = (
        name
        for name in a.everyone - others
        if len(name) < _LONG_NAME or squash_name(name) not in text
    )
    return sorted(
        name
        for name in missing
        if not any(
            _share_words(name, other)
            or _are_near(name, other)
            or fits(name, other)
            or _sound_alike(name, other)
            for other in others
        )
    )


def _share_words(a: str, b: str) -> bool:
    shorter, longer = sorted((a.split(), b.split()), key=len)
    length = len(shorter)
    return longer[:length] == shorter or longer[-length:] == shorter


def _squash_all(names: frozenset[str] | set[str]) -> frozenset[str]:
    return frozenset(map(squash_name, names))


def _are_ensemble(a: str, b: str) -> bool:
    """Tell whether one is the other with a band: "Prince" and "Prince & The Revolution",
    "The Supremes" and "Diana Ross & The Supremes", "Ramsey Lewis" and "Ramsey Lewis Trio"."""
    shorter, longer = sorted((a.split(), b.split()), key=len)
    extra = len(longer) - len(shorter)
    if not extra or not shorter or len(" ".join(shorter)) < 4:
        return False
    if longer[: len(shorter)] == shorter:
        if len(shorter) == 1:
            return False  # "Mike" and "Mike + The Mechanics"
        rest = longer[len(shorter) :]
        return rest[:2] in (["and", "the"], ["and", "his"], ["and", "her"]) or (
            len(rest) == 1 and rest[0] in _ENSEMBLES
        )
    return longer[-len(shorter) :] == shorter and longer[extra - 2 : extra] == ["and", "the"]


def _are_near(a: str, b: str) -> bool:
    if not is_latin(a) or not is_latin(b):
        signs_a, signs_b = ("".join(c for c in name if not c.isascii()) for name in (a, b))
        # One sign is a syllable or a word: "鏡音リン V4X" is not "鏡音レン V4X".
        if signs_a != signs_b and max(len(signs_a), len(signs_b)) <= _FEW_SIGNS:
            return False
    words_a, words_b = a.split(), b.split()
    shorter, longer = sorted((words_a, words_b), key=len)
    if (
        shorter
        and len(" ".join(shorter)) >= 4
        and (longer[: len(shorter)] == shorter or longer[-len(shorter) :] == shorter)
    ):
        return True  # "Soulja Boy" and "Soulja Boy Tell 'Em", "Supremes" and "Ross & Supremes"
    if len(shorter) == len(longer) - 1 > 1 and shorter == [longer[0], *longer[2:]]:
        return True  # "Bobby Pickett", "Bobby "Boris" Pickett"
    squashed_a, squashed_b = "".join(words_a), "".join(words_b)
    if min(len(squashed_a), len(squashed_b)) < 5:
        return False
    if not Levenshtein.normalized_similarity(squashed_a, squashed_b, score_cutoff=0.8):
        return False
    # "Kagamine Rin" is not "Kagamine Len"
    return len(words_a) != len(words_b) or not any(map(_are_other_words, words_a, words_b))


def _are_other_words(a: str, b: str) -> bool:
    return a != b and not Levenshtein.normalized_similarity(a, b, score_cutoff=0.4)
