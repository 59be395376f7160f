"""Names of Last.fm pages that a person types are looked up before they are taken."""

from __future__ import annotations

from connectors.errors import ConnectorError
from likes.accounts import app_clients, credentials, holds
from likes.exporting.page_lookup import is_real
from likes.models import Service


def find_objection(artist: str, title: str) -> str:
    """Return what a person has to know before this name is taken, "" if people listen to it there.

    One short call, as somebody waits for the answer. Where nothing can be loved yet, for lack of
    the app's credentials, nothing is asked.
    """
    if not credentials.has_credentials(Service.LASTFM):
        return ""
    session = app_clients.make_session(Service.LASTFM, timeout=(3, 5), deadline=8, tries=1)
    try:
        holds.check_open(Service.LASTFM)
        page = app_clients.lastfm_client(http=session).get_track(artist, title)
    except ConnectorError as error:
        return f"Last.fm could not be asked whether it knows this name: {str(error).rstrip('.')}."
    if page is None:
        return "Last.fm does not know this name: to love it creates a page."
    if not is_real(page):
        people = "person listens" if page.listeners == 1 else "people listen"
        return f"Only {page.listeners} {people} to this page on Last.fm."
    return ""
