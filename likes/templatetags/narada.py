"""How the pages write lengths and verdicts, and where a track is to be seen on its service."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from django import template
from django.utils.dateformat import format as format_date
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from likes.models import Like, Run, ServiceMapping

register = template.Library()

_VERDICTS = {
    "match": "looks like the same recording",
    "review": "may be the same recording",
    "different": "looks like another recording",
}

_TONES = {
    Like.State.PRESENT: "good",
    Like.State.PENDING: "busy",
    Like.State.SENDING: "busy",
    Like.State.REVIEW: "ask",
    Like.State.NOT_FOUND: "ask",
    Like.State.FAILED: "bad",
    Run.State.RUNNING: "busy",
    Run.State.DONE: "good",
    Run.State.LATER: "ask",
    Run.State.STOPPED: "bad",
    Run.State.FAILED: "bad",
    ServiceMapping.Decision.ACCEPTED: "good",
    ServiceMapping.Decision.CANDIDATE: "ask",
    ServiceMapping.Decision.REJECTED: "off",
    "connected": "good",
    "reconnect": "bad",
}


@register.filter
def length(duration_ms: int | None) -> str:
    """Write milliseconds as minutes and seconds: 217000 is "3:37"."""
    if not duration_ms:
        return ""
    minutes, seconds = divmod(round(duration_ms / 1000), 60)
    return f"{minutes}:{seconds:02}"


@register.filter
def say_verdict(verdict: str) -> str:
    """Write what the matcher says of a candidate in words."""
    return _VERDICTS.get(verdict, "")


@register.filter
def tone(state: str) -> str:
    """Return the class that colours a state; its name is always written beside the colour."""
    return _TONES.get(state, "off")


@register.simple_tag
def badge(state: str, label: str) -> SafeString:
    return format_html('<span class="badge {}">{}</span>', tone(state), label)


@register.simple_tag
def like_badge(like: Like) -> SafeString | str:
    """Write how a like in Narada stands, which knows its row on Last.fm as ``on_lastfm``."""
    if like.state == Like.State.UNAVAILABLE:
        return badge(like.state, "unavailable")
    if like.state == Like.State.REMOVED:
        return badge(like.state, "removed in Narada")
    on_lastfm: Like | None = like.on_lastfm  # type: ignore[attr-defined]
    if on_lastfm is None:
        return ""
    is_loved = on_lastfm.state == Like.State.PRESENT
    return badge(on_lastfm.state, "loved" if is_loved else Like.State(on_lastfm.state).label)


@register.simple_tag
def day(time: datetime | None) -> SafeString | str:
    """Write the day of a time where the reader is."""
    if time is None:
        return "no date"
    local = localtime(time)
    return format_html(
        '<time datetime="{}">{}</time>', local.isoformat(), format_date(local, "j M Y")
    )


@register.filter
def spotify_url(mapping: ServiceMapping) -> str:
    if not mapping.service_id:
        return ""
    return f"https://open.spotify.com/track/{quote(mapping.service_id)}"


@register.filter
def lastfm_url(mapping: ServiceMapping) -> str:
    """Return the address of a page on Last.fm, which is its names."""
    if not mapping.artists or not mapping.title:
        return ""
    artist, title = (quote(name, safe="") for name in (mapping.artists[0], mapping.title))
    return f"https://www.last.fm/music/{artist}/_/{title}"
