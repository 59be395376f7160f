"""Histories of plays, which are never likes: known by their columns, else by their signs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise

from connectors.files.columns import Columns, make_key, name_columns
from connectors.files.judgements import says_yes
from connectors.files.outcome import ASK_FOR_ACCOUNT_DATA, FileRejected
from connectors.files.values import read_date, read_flag, read_moment, words

#: Names that stand in histories alone: Spotify's two, Last.fm's and its exporters', ListenBrainz's,
#: Maloja's, Pano Scrobbler's, Apple's, Deezer's, Amazon's, Tidal's, YouTube's.
NAMES = words(
    """msplayed endtime playedat uts utctime scrobbledat scrobbletime scrobbledate listenedat
    mastermetadatatrackname reasonstart reasonend endreasontype endreason terminationreason
    eventstarttimestamp eventendtimestamp eventreceivedtimestamp playdurationmilliseconds
    playduration playdurationms listeningtime streamduration streamdurationms
    consumptionduration consumptiondurationinseconds secondsplayed secondslistened
    mslistened timems timehuman mediaplayerpackage dateplayed playedon playeddate dateofplay
    timeplayed dateecoute dateecoutee dateheureecoute heureecoute watchedat listenedon
    listeneddate streamedat streamdate skippedat lastfmscrobbletime scrobbletimestamp
    listentimestamp playtimestamp startplaytime playstart playstarttime starttimestamp
    stoptime conncountry titleurl shuffle percentplayed incognitomode wasskipped"""
)
#: A moment under such a name is the time of a play.
PLAY_NAME = re.compile(
    r"played|playtime|playdate|zuletztgespielt|derniereecoute|listen|scrobbl|stream|watched|ecoute|gehort|abgespielt|wiedergabe"
    r"|wiedergegeben|afgespeeld|luister|escuch|odtwarz|dinlen|spelad"
    r"|reproduc|reproduz|ascolt|прослуш|проигр|再生|播放"
)
#: Of these a library has one for each song, which may be a like.
_OF_A_LIBRARY = re.compile(r"last|latest|recent|first|playdateutc")
#: A moment under such a name is the time of a like, whatever happens around it.
LIKE_NAME = re.compile(
    r"add|like|lov|fav|sav|star|hinzugef|anadid|ajout|adicion|追加|добав|tagtime"
)
#: Two moments of one row: a play has a beginning and an end.
_BEGIN, _END = re.compile(r"start|begin|began"), re.compile(r"end|stop|finish")
_DAY_TIME = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AP]M)?", re.I)
#: Keys of objects that hold a history.
LISTS = words(
    """scrobbles listens plays history recenttracks playhistory listeninghistory
    streaminghistory streams"""
)
MOST_ROWS = 20_000
SHORTEST, LONGEST = 30, 20 * 60
"""Seconds from one song to the next while somebody listens."""
REFUSAL = f"is a history of plays, not of likes; {ASK_FOR_ACCOUNT_DATA}"


def refuse_history(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Raise FileRejected if these rows under these names are plays."""
    names, rows = _join_times(names, rows)
    keys = [make_key(name) for name in names]
    if NAMES & set(keys) or any(re.match(r"date\s*#", name.casefold()) for name in names):
        raise FileRejected(REFUSAL)
    columns = name_columns(names)
    if not columns.are_enough and any(map(read_moment, names)):
        rows = [names, *rows]  # there is no header
    texts = (columns.title, columns.artist, columns.album, columns.duration)
    shown = rows[:MOST_ROWS]
    is_library = says_yes(names, shown)
    times = {key for place, key in enumerate(keys) if _are_moments(shown[:50], place)}
    if any(map(_BEGIN.match, times)) and any(map(_END.match, times)):
        raise FileRejected(REFUSAL)
    for place, key in enumerate(keys):
        if key == "played" and any(_is_day(_get(row, place)) for row in shown[:50]):
            raise FileRejected(REFUSAL)
        if place in texts or key.endswith(("id", "ids", "uri", "url")):
            continue
        if is_library and PLAY_NAME.search(key) and _OF_A_LIBRARY.search(key):
            continue
        if key not in times:
            continue
        moments = [read_moment(_get(row, place)) for row in shown]
        is_like = LIKE_NAME.search(key) is not None
        is_play = PLAY_NAME.search(key) or "skipped" in keys or _is_listening(moments)
        if not is_like and is_play:
            raise FileRejected(REFUSAL)
        songs = [_name_song(row, place, columns) for row in shown]
        if _repeats(songs, moments, is_like):
            raise FileRejected(REFUSAL)


def _join_times(
    names: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """The table with a day and a time of day in two columns put together in one more.

    A length such as 3:29 is no time of day: some of the hours must be later than nine.
    """
    sample = [row for row in rows[:50] if any(row)]
    places = range(len(names))
    days = [i for i in places if _share(sample, i, _is_bare_day)]
    hours = [i for i in places if _share(sample, i, lambda text: bool(_DAY_TIME.fullmatch(text)))]
    hours = [i for i in hours if any(_get(row, i).strip()[:2] > "09" for row in sample)]
    if not days or not hours or name_columns(names).duration == hours[0]:
        return names, rows
    day, hour = days[0], hours[0]
    joined = [[*row, f"{_get(row, day).strip()} {_get(row, hour).strip()}"] for row in rows]
    width = max(map(len, joined))
    padded = [[*row[:-1], *[""] * (width - len(row)), row[-1]] for row in joined]
    return [*names, *[""] * (width - 1 - len(names)), f"{names[day]} {names[hour]}"], padded


def _share(rows: Sequence[Sequence[str]], place: int, test: Callable[[str], bool]) -> bool:
    return bool(rows) and all(test(_get(row, place).strip()) for row in rows)


def _is_bare_day(text: str) -> bool:
    return ":" not in text and 6 <= len(text) <= 12 and read_date(text, True) is not None


def _is_day(text: str) -> bool:
    """Whether a cell says when, as "Yesterday" or a date does, and not whether or how often."""
    return len(text) > 1 and read_flag(text) is None and not text.replace(".", "").isdigit()


def _are_moments(rows: Sequence[Sequence[str]], place: int) -> bool:
    known = sum(read_moment(_get(row, place)) is not None for row in rows)
    return known >= 2 and 10 * known >= 8 * len(rows)


def _name_song(row: Sequence[str], time: int, columns: Columns) -> tuple[str, ...]:
    """What tells this row's song from others: title and artist, or all but the time."""
    if columns.title is not None and columns.artist is not None:
        return make_key(_get(row, columns.title)), make_key(_get(row, columns.artist))
    return tuple(cell for place, cell in enumerate(row) if place != time)


def _is_listening(moments: Sequence[datetime | None]) -> bool:
    """Whether these follow each other as songs do that are heard one after the other.

    So do up to 52 % of the times in real lists of likes, and 80 to 95 % of those in histories; of
    few times all must.
    """
    known = [moment for moment in moments if moment is not None]
    gaps = [abs((after - before).total_seconds()) for before, after in pairwise(known)]
    songs = sum(SHORTEST <= gap <= LONGEST for gap in gaps)
    return len(gaps) >= 5 and 4 * songs >= (3 if len(gaps) >= 10 else 4) * len(gaps)


def _repeats(
    songs: Sequence[tuple[str, ...]], moments: Sequence[datetime | None], is_like: bool
) -> bool:
    """Whether the same songs come again and again with other times.

    In a list of likes some come twice, on an album and as a single: up to one row in ten, and no
    song more than four times, in the real lists that were measured.
    """
    times: dict[tuple[str, ...], set[datetime]] = {}
    for song, moment in zip(songs, moments, strict=True):
        if moment is not None and any(song):
            times.setdefault(song, set()).add(moment)
    count = sum(map(len, times.values()))
    again = count - len(times)
    most = max(map(len, times.values()), default=0)
    if is_like:
        return again >= 3 and 2 * again >= count
    return again > 0 and (3 * again >= count or (most >= 8 and 5 * again >= count))


def _get(row: Sequence[str], place: int) -> str:
    return row[place] if place < len(row) else ""
