"""The control API under ``/sandbox``: for tests, the demo and people. JSON in, JSON out.

GET  state                    the users and what they have
POST reset                    start anew: likes, seed, scrobble_share, loved_share, awkward
POST users                    name, allowlisted, private; for a new one also what reset takes
POST like, unlike             user and service_id, service_ids or n; like also title, artists,
                              album, isrc, ... of one's own, or kind null or local; added_at
POST love, unlove, scrobble   user, artist, title; uts, playcount
POST page, correction         artist, title, listeners; from and to as [artist, title]
GET  likes/NAME, loves/NAME, scrobbles/NAME
GET  calls                    the log; since, service, kind, user, limit
POST calls/clear
GET, POST, DELETE faults      a rule or a list of them, see ``faults.Fault``
POST grant                    service, user, scopes: tokens without a browser
POST expire, revoke           user: end the access tokens; all that a service granted
POST clock                    advance or offset, in seconds
POST limits                   see ``Services.set_limits``
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from narada_sandbox.backstage import Backstage
from narada_sandbox.faults import BadFault, answer_bad_fault
from narada_sandbox.messages import Answer, Call, answer_json
from narada_sandbox.tokens import grant_spotify
from narada_sandbox.world.catalogue import Page, Song, make_id, make_isrc
from narada_sandbox.world.people import LOCAL_FILE, LOST, Taste, furnish
from narada_sandbox.world.state import AllowListFull, User, format_time

_SCOPES = ["user-library-read", "user-library-modify"]


class BadOrder(ValueError):
    """The control API was asked for something that makes no sense; the text says what."""


class Control:
    """Answers everything under ``/sandbox``."""

    def __init__(self, backstage: Backstage) -> None:
        self._backstage = backstage
        self._state = backstage.state
        self._orders: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
            ("GET", "state"): self._show_state,
            ("POST", "reset"): self._reset,
            ("POST", "users"): self._add_user,
            ("POST", "like"): self._like,
            ("POST", "unlike"): self._unlike,
            ("POST", "love"): self._love,
            ("POST", "unlove"): self._unlove,
            ("POST", "scrobble"): self._scrobble,
            ("POST", "page"): self._add_page,
            ("POST", "correction"): self._add_correction,
            ("POST", "calls/clear"): self._clear_calls,
            ("GET", "faults"): lambda order: {"faults": backstage.faults.describe()},
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "grant"): self._grant,
            ("POST", "expire"): self._expire,
            ("POST", "revoke"): self._revoke,
            ("POST", "clock"): self._set_clock,
            ("POST", "limits"): self._set_limits,
        }

    def answer(self, call: Call) -> Answer:
        """Answer one order; a bad one gets 400 and says why."""
        path = call.path.removeprefix("/sandbox").strip("/")
        try:
            order = read_order(call)
            if call.http == "GET" and path == "calls":
                return answer_json(self._list_calls(call))
            if call.http == "GET" and "/" in path:
                return answer_json(self._list_rows(*path.split("/", 1)))
            if (call.http, path) not in self._orders:
                names = sorted(f"{http} /sandbox/{name}" for http, name in self._orders)
                return answer_json({"error": "no such order", "orders": names}, 404)
            return answer_json(self.run(path, order, call.http))
        except BadFault as error:
            return answer_bad_fault(error)
        except AllowListFull:
            text = f"development mode lists {self._state.allowlist_limit} users at most"
            return answer_json({"error": text}, 409)
        except (BadOrder, TypeError, ValueError, KeyError, AttributeError) as error:
            return answer_json({"error": f"{type(error).__name__}: {error}"}, 400)

    def run(self, path: str, order: dict[str, Any], http: str = "POST") -> Any:
        """Carry out one order and return what to answer; raises BadOrder and its like."""
        run = self._orders.get((http, path))
        if run is None:
            raise BadOrder(f"no order {path!r}")
        return run(order)

    def _find_user(self, order: dict[str, Any]) -> User:
        return self._name_user(str(order.get("user", "")))

    def _name_user(self, name: str) -> User:
        user = self._state.find_user(name)
        if user is None:
            raise BadOrder(f"no user {name!r}; there are {', '.join(self._state.users)}")
        return user

    def _show_state(self, order: dict[str, Any]) -> dict[str, Any]:
        return {
            "now": self._state.now(),
            "songs": len(self._state.catalogue.songs),
            "pages": len(self._state.catalogue.pages),
            "faults": len(self._backstage.faults.describe()),
            "users": [
                {
                    "name": user.name,
                    "likes": len(user.likes),
                    "loves": len(user.loves),
                    "scrobbled": len(user.library),
                    "allowlisted": user.allowlisted,
                    "private": user.private,
                    "account_id": user.account_id,
                }
                for user in self._state.users.values()
            ],
        }

    def _reset(self, order: dict[str, Any]) -> dict[str, Any]:
        self._backstage.reset(Taste(**order))
        return self._show_state({})

    def _add_user(self, order: dict[str, Any]) -> dict[str, Any]:
        name = order.pop("name")
        listed, private = order.pop("allowlisted", True), order.pop("private", False)
        taste = Taste(**{"likes": 0, **order})
        known = self._state.find_user(name)
        user = self._state.add_user(name, allowlisted=listed, private=private)
        if known is None:
            furnish(self._state, user, taste)
        return self._show_state({})

    def _like(self, order: dict[str, Any]) -> dict[str, Any]:
        user = self._find_user(order)
        added_at = read_time(order.get("added_at"))
        liked = self._choose_liked(user, order)
        for item in liked:
            self._state.like(user, item, added_at)
        return {"liked": liked, "total": len(user.likes)}

    def _choose_liked(self, user: User, order: dict[str, Any]) -> list[str]:
        if "n" in order:
            return self._choose_new(user, int(order["n"]))
        if order.get("kind") == "null":
            return [f"{LOST}{self._state.next_number()}"]
        if order.get("kind") == "local":
            return [str(order.get("uri", LOCAL_FILE))]
        if "title" in order:
            song = make_song(order, self._state.next_number())
            self._state.add_song(song)
            return [song.track_id]
        items = order.get("service_ids") or [order.get("service_id")]
        for item in items:
            if self._state.find_song(item) is None:
                raise BadOrder(f"no track {item!r}")
        return list(items)

    def _choose_new(self, user: User, count: int) -> list[str]:
        invented = self._state.catalogue.invented
        fresh: list[str] = [item for item in invented if item not in user.liked]
        while len(fresh) < count:
            self._state.invent(len(invented) + count)
            fresh = [item for item in invented if item not in user.liked]
        return fresh[:count]

    def _unlike(self, order: dict[str, Any]) -> dict[str, Any]:
        user = self._find_user(order)
        if "n" in order:
            items = [one.item for one in self._backstage.chance.sample(user.likes, int(order["n"]))]
        elif order.get("all"):
            items = [one.item for one in user.likes]
        else:
            items = order.get("service_ids") or [order["service_id"]]
        unliked = [item for item in items if self._state.unlike(user, item)]
        return {"unliked": unliked, "total": len(user.likes)}

    def _love(self, order: dict[str, Any]) -> dict[str, Any]:
        user = self._find_user(order)
        uts = read_time(order.get("uts"))
        changed = self._state.love(user, order["artist"], order["title"], uts)
        return {"changed": changed, "total": len(user.loves)}

    def _unlove(self, order: dict[str, Any]) -> dict[str, Any]:
        user = self._find_user(order)
        changed = self._state.unlove(user, order["artist"], order["title"])
        return {"changed": changed, "total": len(user.loves)}

    def _scrobble(self, order: dict[str, Any]) -> dict[str, Any]:
        user = self._find_user(order)
        when = read_time(order.get("uts")) or int(self._state.now())
        plays = int(order.get("playcount", 1))
        self._state.scrobble(user, order["artist"], order["title"], plays, when)
        return {"total": len(user.library)}

    def _add_page(self, order: dict[str, Any]) -> dict[str, Any]:
        self._state.add_page(Page(**{"listeners": 100, "playcount": 200, **order}))
        return {"pages": len(self._state.catalogue.pages)}

    def _add_correction(self, order: dict[str, Any]) -> dict[str, Any]:
        (artist, title), (right_artist, right_title) = order["from"], order["to"]
        self._state.add_correction((artist, title), (right_artist, right_title))
        return {"corrections": len(self._state.catalogue.corrections)}

    def _list_rows(self, kind: str, name: str) -> dict[str, Any]:
        user = self._name_user(name)
        if kind == "likes":
            rows = [self._describe_like(one.item, one.added_at) for one in reversed(user.likes)]
        elif kind == "loves":
            rows = [{"artist": x.artist, "title": x.title, "uts": x.uts} for x in user.list_loves()]
        elif kind == "scrobbles":
            rows = [
                {"artist": x.artist, "title": x.title, "playcount": x.playcount}
                for x in user.list_library()
            ]
        else:
            raise BadOrder("only likes, loves and scrobbles are listed")
        return {"user": user.name, "total": len(rows), kind: rows}

    def _describe_like(self, item: str, added_at: int) -> dict[str, Any]:
        song = self._state.find_song(item)
        row: dict[str, Any] = {"service_id": item, "added_at": format_time(added_at)}
        if song is None:
            return {**row, "kind": "local" if item.startswith("spotify:local:") else "null"}
        artist, title = song.scrobbled_name
        return {
            **row,
            "kind": "track",
            "title": song.title,
            "artists": list(song.artists),
            "album": song.album,
            "isrc": song.isrc,
            "duration_ms": song.duration_ms,
            "relation": song.relation,
            "lastfm": {"artist": artist, "title": title},
        }

    def _list_calls(self, call: Call) -> dict[str, Any]:
        log = self._backstage.log
        since = int(call.get("since", "0"))
        calls = log.read(
            since=since,
            service=call.get("service"),
            kind=call.get("kind"),
            user=call.get("user"),
        )
        if call.get("limit"):
            calls = calls[-int(call.get("limit")) :]
        return {"counts": log.count(), "total": len(calls), "calls": calls}

    def _clear_calls(self, order: dict[str, Any]) -> dict[str, Any]:
        self._backstage.log.clear()
        return {"counts": {}}

    def _add_faults(self, order: dict[str, Any]) -> dict[str, Any]:
        rules = order.get("rules", [order] if order else [])
        self._backstage.faults.add(rules)
        return {"faults": self._backstage.faults.describe()}

    def _clear_faults(self, order: dict[str, Any]) -> dict[str, Any]:
        self._backstage.faults.clear()
        return {"faults": []}

    def _grant(self, order: dict[str, Any]) -> dict[str, Any]:
        user = self._find_user(order)
        if order.get("service") == "lastfm":
            return {"key": self._backstage.tokens.issue_session(user.name), "name": user.name}
        scopes = order.get("scopes", _SCOPES)
        scopes = scopes.split() if isinstance(scopes, str) else list(scopes)
        granted = grant_spotify(self._backstage.tokens, user.name, scopes)
        return {**granted, "account_id": user.account_id, "id": user.spotify_id}

    def _expire(self, order: dict[str, Any]) -> dict[str, Any]:
        user = self._find_user(order)
        return {"expired": self._backstage.tokens.expire_access(user.name)}

    def _revoke(self, order: dict[str, Any]) -> dict[str, Any]:
        user = self._find_user(order)
        service = str(order.get("service", "spotify"))
        return {"revoked": self._backstage.tokens.revoke(user.name, service)}

    def _set_clock(self, order: dict[str, Any]) -> dict[str, Any]:
        if "advance" in order:
            self._state.set_clock(self._state.clock_offset + float(order["advance"]))
        elif "offset" in order:
            self._state.set_clock(float(order["offset"]))
        return {"now": self._state.now(), "offset": self._state.clock_offset}

    def _set_limits(self, order: dict[str, Any]) -> dict[str, Any]:
        return self._backstage.set_limits(order)


def read_order(call: Call) -> dict[str, Any]:
    """Read the JSON body; a list stands for the rules of ``faults``. Raises BadOrder."""
    if not call.body:
        return {}
    try:
        value = json.loads(call.body)
    except ValueError as error:
        raise BadOrder(f"the body is not JSON: {error}") from error
    if isinstance(value, list):
        return {"rules": value}
    if not isinstance(value, dict):
        raise BadOrder("the body must be a JSON object")
    return value


def read_time(value: str | float | None) -> int | None:
    """Read a time given as seconds since 1970 or in ISO 8601; None stays None."""
    if isinstance(value, str):
        return int(datetime.fromisoformat(value).timestamp())
    return None if value is None else int(value)


def make_song(order: dict[str, Any], number: int) -> Song:
    """Make a song of one's own from an order: title and artists, the rest as one likes."""
    artists = order.get("artists") or [order["artist"]]
    title = str(order["title"])
    return Song(
        track_id=order.get("service_id") or make_id("own", title, *artists, str(number)),
        title=title,
        artists=tuple(artists),
        album=order.get("album", title),
        duration_ms=int(order.get("duration_ms", 200_000)),
        released=str(order.get("released", "2020")),
        isrc=order.get("isrc", make_isrc(title, *artists, str(number))),
        relation=order.get("relation", "same"),
        lastfm_artist=order.get("lastfm_artist", ""),
        lastfm_title=order.get("lastfm_title", ""),
        listeners=int(order.get("listeners", 0)),
    )
