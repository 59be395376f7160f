"""Both stand-ins around one state: a call in, an answer out."""

from __future__ import annotations

import re
from pathlib import Path

from narada_sandbox.backstage import Backstage
from narada_sandbox.control import Control
from narada_sandbox.faults import answer_instead, collect_twists, list_orders, spoil_answer
from narada_sandbox.messages import Answer, Call, answer_html
from narada_sandbox.pages import render_landing, render_message
from narada_sandbox.settings import make_settings
from narada_sandbox.world.people import Taste

_METHODS = {
    name.lower(): name
    for name in (
        "auth.getToken",
        "auth.getSession",
        "track.love",
        "track.unlove",
        "track.getInfo",
        "track.getCorrection",
        "track.search",
        "artist.getCorrection",
        "user.getLovedTracks",
        "user.getTopTracks",
        "user.getRecentTracks",
        "user.getInfo",
    )
}


class Services(Backstage):
    """Everything behind the one port."""

    def __init__(self, state_path: Path | None, taste: Taste) -> None:
        super().__init__(state_path, taste)
        self.control = Control(self)

    def answer(self, call: Call) -> Answer:
        """Answer one call, with the faults that are switched on, and note it in the log."""
        if call.service in ("control", "page"):
            with self.state.lock:
                return self._act(call)
        fired = self.faults.pick(call, self._guess_user(call))
        self.faults.keep_waiting(fired)
        call.twists = collect_twists(fired)
        with self.state.lock:
            for path, order in list_orders(fired):
                self.control.run(path, order)
            moment = self.state.now()
            answer = answer_instead(fired, call) or self._act(call)
        answer = spoil_answer(fired, answer)
        call.user = call.user or self._guess_user(call)
        self.log.note(call, answer, moment, [fault.kind for fault in fired])
        return answer

    def _act(self, call: Call) -> Answer:
        match call.service:
            case "spotify":
                return self.limit_spotify() or self.spotify.answer(call)
            case "accounts":
                return self.accounts.token(call)
            case "lastfm":
                return self.lastfm.answer(call)
            case "consent":
                spotify = call.path == "/authorize"
                return self.accounts.authorize(call) if spotify else self.lastfm.consent(call)
            case "control":
                return self.control.answer(call)
        return self._show_page(call)

    def _guess_user(self, call: Call) -> str:
        """Say whose call it is by its token or name, before anything was checked."""
        if call.service == "spotify":
            access = self.tokens.access.get(call.headers.get("authorization", "").partition(" ")[2])
            return access.user if access else ""
        if call.service == "accounts":
            refresh = self.tokens.refresh.get(call.post("refresh_token"))
            return refresh.user if refresh else ""
        session = self.tokens.sessions.get(call.post("sk") or call.get("sk"))
        return session.user if session else call.get("user") or call.post("user")

    def _show_page(self, call: Call) -> Answer:
        if call.path != "/":
            return answer_html(render_message("nothing", "There is nothing at this address."), 404)
        rows = [
            (
                user.name,
                f"{len(user.likes):,}",
                f"{len(user.loves):,}",
                f"{len(user.library):,}",
                "yes" if user.allowlisted else "no",
            )
            for user in self.state.users.values()
        ]
        return answer_html(render_landing(call.base_url, make_settings(call.base_url), rows))


def name_call(http: str, path: str, parameters: dict[str, str]) -> tuple[str, str]:
    """Return the service a request goes to and the kind that the log counts it by."""
    if path.startswith("/v1/") or path == "/v1":
        short = re.sub(r"/[0-9A-Za-z]{22}\b", "/{id}", path.removeprefix("/v1").rstrip("/"))
        return "spotify", f"{http} {short}"
    if path == "/api/token":
        return "accounts", f"{http} /api/token"
    if path.rstrip("/") == "/2.0":
        method = parameters.get("method", "")
        return "lastfm", _METHODS.get(method.lower(), method)
    if path == "/authorize" or path.rstrip("/") == "/api/auth":
        return "consent", f"{http} {path}"
    if path.startswith("/sandbox"):
        return "control", f"{http} {path}"
    return "page", f"{http} {path}"
