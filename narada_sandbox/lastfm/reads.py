"""Last.fm's reading methods. Every number in an answer is a string, as on the real service.

The members stand in the order of the real XML: pylast takes the first ``name`` inside a track for
the title and the second for the artist.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote_plus

from narada_sandbox.lastfm.form import LastfmError
from narada_sandbox.lastfm.request import LastfmRequest
from narada_sandbox.world.catalogue import Page, hash_number, name_key
from narada_sandbox.world.state import Love, Scrobbled, State, User

_Row = TypeVar("_Row")
_IMAGE_HOST = "https://lastfm.freetls.fastly.net/i/u"
_PLACEHOLDER = "2a96cbd8b46e442fc41c2b86b821562f"
_STREAMABLE = {"fulltrack": "0", "#text": "0"}
MAX_PAGE = 1_000_000
PERIODS = {"overall": None, "7day": 7, "1month": 30, "3month": 90, "6month": 180, "12month": 365}


def make_images(name: str = _PLACEHOLDER) -> list[dict[str, str]]:
    """Return the four image sizes; artists and loved tracks only have a placeholder."""
    sizes = (("small", "34s"), ("medium", "64s"), ("large", "174s"), ("extralarge", "300x300"))
    return [{"size": size, "#text": f"{_IMAGE_HOST}/{path}/{name}.png"} for size, path in sizes]


def make_url(artist: str, title: str = "", *, resolved: bool = True) -> str:
    """Return a page's address; a name that stands for no page has ``+noredirect`` in it."""
    middle = "" if resolved else "+noredirect/"
    tail = f"/_/{quote_plus(title)}" if title else ""
    return f"https://www.last.fm/music/{middle}{quote_plus(artist)}{tail}"


def format_date(uts: int) -> dict[str, str]:
    """Return a date as Last.fm writes it: seconds, and words to the minute in UTC."""
    text = datetime.fromtimestamp(uts, UTC).strftime("%d %b %Y, %H:%M")
    return {"uts": str(uts), "#text": text}


def find_reader(state: State, request: LastfmRequest) -> User:
    """Return the user that is asked about; raises error 6 (404) or 17 for a private one."""
    name = request.get("user") or (request.user.name if request.user else "")
    if not name:
        request.require("user")
    user = state.find_user(name)
    if user is None:
        raise LastfmError(6, "User not found", 404)
    if user.private and request.user is not user:
        raise LastfmError(17)
    request.call.user = request.call.user or user.name
    if request.call.twists.get("other_user"):
        return next(other for other in state.users.values() if other is not user)
    return user


def cut_page(
    request: LastfmRequest, user: User, rows: Sequence[_Row]
) -> tuple[Sequence[_Row], dict[str, str], int]:
    """Return the asked page of some rows, its ``@attr``, and the number of its first row."""
    limit = request.read_number("limit", 50, 1000)
    page = request.read_number("page", 1, MAX_PAGE)
    total = max(0, len(rows) + int(request.call.twists.get("wobble", 0)))
    shown = page - 1 if request.call.twists.get("page_twice") and page > 1 else page
    start = (shown - 1) * limit
    attributes = {
        "user": user.name,
        "totalPages": str(-(-total // limit)),
        "page": str(page),
        "perPage": str(limit),
        "total": str(total),
    }
    return rows[start : start + limit], attributes, start


def pack_list(request: LastfmRequest, rows: list[dict[str, Any]]) -> Any:
    """Return the rows as a list; a fault makes a single one an object, as older servers do."""
    return rows[0] if rows and request.call.twists.get("object_for_list") else rows


def get_loved_tracks(state: State, request: LastfmRequest) -> dict[str, Any]:
    """user.getLovedTracks: newest first, public unless the profile is private."""
    user = find_reader(state, request)
    loves, attributes, _ = cut_page(request, user, user.list_loves())
    rows = [describe_love(state, love) for love in loves]
    if rows and request.call.twists.get("missing_date"):
        rows[0].pop("date")
    return {"lovedtracks": {"track": pack_list(request, rows), "@attr": attributes}}


def describe_love(state: State, love: Love) -> dict[str, Any]:
    """Return one loved track."""
    page = state.catalogue.pages.get(name_key(love.artist, love.title))
    return {
        "name": love.title,
        "mbid": page.mbid if page else "",
        "url": make_url(love.artist, love.title),
        "date": format_date(love.uts),
        "artist": {"name": love.artist, "mbid": "", "url": make_url(love.artist)},
        "image": make_images(),
        "streamable": _STREAMABLE,
    }


def get_top_tracks(state: State, request: LastfmRequest) -> dict[str, Any]:
    """user.getTopTracks: most played first. ``duration`` is in seconds here, "0" when unknown."""
    user = find_reader(state, request)
    period = request.get("period") or "overall"
    if period not in PERIODS:
        raise LastfmError(6, "Invalid parameters - period is not one of the known ones")
    rows: Sequence[Scrobbled] = user.list_library()
    days = PERIODS[period]
    if days is not None:
        since = state.now() - days * 86_400
        rows = [row for row in rows if row.last_uts >= since]
    shown, attributes, start = cut_page(request, user, rows)
    tracks = [describe_top(state, row, start + n) for n, row in enumerate(shown, 1)]
    return {"toptracks": {"track": pack_list(request, tracks), "@attr": attributes}}


def describe_top(state: State, row: Scrobbled, rank: int) -> dict[str, Any]:
    """Return one row of the top tracks."""
    page = state.catalogue.pages.get(name_key(row.artist, row.title))
    return {
        "name": row.title,
        "duration": str(page.duration_ms // 1000 if page else 0),
        "playcount": str(row.playcount),
        "mbid": page.mbid if page else "",
        "url": make_url(row.artist, row.title),
        "streamable": _STREAMABLE,
        "artist": {"name": row.artist, "mbid": "", "url": make_url(row.artist)},
        "image": make_images(),
        "@attr": {"rank": str(rank)},
    }


def get_recent_tracks(state: State, request: LastfmRequest) -> dict[str, Any]:
    """user.getRecentTracks: the last play of each spelling, newest first."""
    user = find_reader(state, request)
    rows = sorted(user.library.values(), key=lambda row: row.last_uts, reverse=True)
    shown, attributes, _ = cut_page(request, user, rows)
    tracks = [
        {
            "artist": {"mbid": "", "#text": row.artist},
            "name": row.title,
            "streamable": "0",
            "mbid": "",
            "album": {"mbid": "", "#text": ""},
            "url": make_url(row.artist, row.title),
            "image": make_images(),
            "date": format_date(row.last_uts),
        }
        for row in shown
    ]
    return {"recenttracks": {"track": pack_list(request, tracks), "@attr": attributes}}


def get_user_info(state: State, request: LastfmRequest) -> dict[str, Any]:
    """user.getInfo: of the session's own user where none is named."""
    user = find_reader(state, request)
    return {
        "user": {
            "name": user.name,
            "age": "0",
            "subscriber": "0",
            "realname": user.name.capitalize(),
            "bootstrap": "0",
            "playcount": str(sum(row.playcount for row in user.library.values())),
            "artist_count": str(len({row.artist.casefold() for row in user.library.values()})),
            "playlists": "0",
            "track_count": str(len(user.library)),
            "album_count": "0",
            "image": make_images("818148bf682d429dc215c1705eb27b98"),
            "registered": {"unixtime": str(user.registered), "#text": user.registered},
            "country": "None",
            "gender": "n",
            "url": f"https://www.last.fm/user/{quote_plus(user.name)}",
            "type": "user",
        }
    }


def get_track_info(state: State, request: LastfmRequest) -> dict[str, Any]:
    """track.getInfo: the page, a ghost with 0 to 2 listeners, or error 6 with status 200."""
    page, resolved = find_page(state, request)
    track: dict[str, Any] = {"name": page.title}
    if page.mbid:
        track["mbid"] = page.mbid
    track |= {
        "url": make_url(page.artist, page.title, resolved=resolved),
        "duration": str(page.duration_ms),
        "streamable": {"#text": "0", "fulltrack": "0"},
        "listeners": str(page.listeners),
        "playcount": str(page.playcount),
        "artist": {"name": page.artist, "url": make_url(page.artist)},
    }
    if page.album:
        track["album"] = {
            "artist": page.artist,
            "title": page.album,
            "url": f"{make_url(page.artist)}/{quote_plus(page.album)}",
            "image": make_images(),
        }
    reader = state.find_user(request.get("username")) if request.get("username") else None
    if reader is not None:
        key = name_key(page.artist, page.title)
        plays = reader.library.get(key)
        track["userplaycount"] = str(plays.playcount if plays else 0)
        track["userloved"] = "1" if key in reader.loves else "0"
    track["toptags"] = {"tag": []}
    return {"track": track}


def find_page(state: State, request: LastfmRequest) -> tuple[Page, bool]:
    """Return what Last.fm shows under a name, and whether it is a page that resolves."""
    catalogue = state.catalogue
    if request.get("mbid"):
        for page in catalogue.pages.values():
            if page.mbid == request.get("mbid"):
                return page, True
        raise LastfmError(6, "Track not found", 200)
    request.require("artist")
    request.require("track")
    artist, title = request.read_name("artist"), request.read_name("track")
    if request.get("autocorrect") == "1":
        artist, title = catalogue.correct(artist, title)
    found = catalogue.pages.get(name_key(artist, title))
    if found is not None:
        return found, True
    heard = state.count_ghost_listeners(artist, title)
    known_artist = artist.casefold() in catalogue.artists
    misspelt = catalogue.correct(artist, title) != (artist, title)
    # For a name nobody scrobbles the service answers now with an empty page, now with error 6.
    if not (heard or misspelt or (known_artist and hash_number(artist, title) % 3)):
        raise LastfmError(6, "Track not found", 200)
    listeners = heard or (1 if misspelt else hash_number(artist, title) % 2)
    return Page(artist, title, min(2, listeners), min(2, listeners) * 2), False


def get_track_correction(state: State, request: LastfmRequest) -> dict[str, Any]:
    """track.getCorrection: names that stand, or empty addresses where nothing is known."""
    request.require("artist")
    request.require("track")
    artist, title = request.read_name("artist"), request.read_name("track")
    right_artist, right_title = state.catalogue.correct(artist, title)
    page = state.catalogue.pages.get(name_key(right_artist, right_title))
    if page is None:
        track: dict[str, Any] = {"url": "", "artist": {"url": ""}}
        changed = ("0", "0")
    else:
        track = {
            "name": page.title,
            "url": make_url(page.artist, page.title),
            "artist": {"name": page.artist, "url": make_url(page.artist)},
        }
        asked, shown = name_key(artist, title), name_key(page.artist, page.title)
        changed = ("01"[shown[0] != asked[0]], "01"[shown[1] != asked[1]])
    flags = {"index": "0", "artistcorrected": changed[0], "trackcorrected": changed[1]}
    return {"corrections": {"correction": {"track": track, "@attr": flags}}}


def get_artist_correction(state: State, request: LastfmRequest) -> dict[str, Any]:
    """artist.getCorrection: a string of blanks where nothing is known."""
    request.require("artist")
    name = request.read_name("artist").casefold()
    right = state.catalogue.artist_corrections.get(name) or state.catalogue.artists.get(name)
    if right is None:
        return {"corrections": "\n                "}
    artist = {"name": right, "url": make_url(right)}
    return {"corrections": {"correction": {"artist": artist, "@attr": {"index": "0"}}}}


def search_tracks(state: State, request: LastfmRequest) -> dict[str, Any]:
    """track.search: pages that hold all the words, most listeners first."""
    request.require("track")
    words = request.read_name("track").casefold().split()
    names = request.read_name("artist").casefold().split()
    limit = request.read_number("limit", 30, 1000)
    number = request.read_number("page", 1, MAX_PAGE)
    found = [
        page
        for (artist, title), page in state.catalogue.pages.items()
        if all(name in artist for name in names)
        and all(word in title or (not names and word in artist) for word in words)
    ]
    found.sort(key=lambda page: -page.listeners)
    rows = [
        {
            "name": page.title,
            "artist": page.artist,
            "url": make_url(page.artist, page.title),
            "streamable": "FIXME",
            "listeners": str(page.listeners),
            "image": make_images(),
            "mbid": page.mbid,
        }
        for page in found[(number - 1) * limit : number * limit]
    ]
    return {
        "results": {
            "opensearch:Query": {"#text": "", "role": "request", "startPage": str(number)},
            "opensearch:totalResults": str(len(found)),
            "opensearch:startIndex": str((number - 1) * limit),
            "opensearch:itemsPerPage": str(limit),
            "trackmatches": {"track": rows},
            "@attr": {"for": request.get("track")} if rows else {},
        }
    }


READS: dict[str, Callable[[State, LastfmRequest], dict[str, Any]]] = {
    "user.getlovedtracks": get_loved_tracks,
    "user.gettoptracks": get_top_tracks,
    "user.getrecenttracks": get_recent_tracks,
    "user.getinfo": get_user_info,
    "track.getinfo": get_track_info,
    "track.getcorrection": get_track_correction,
    "artist.getcorrection": get_artist_correction,
    "track.search": search_tracks,
}
