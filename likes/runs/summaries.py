"""What a run reports: counts that add up, an exit code, and a line for a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings

from connectors.errors import RateLimited, TemporaryError
from likes.models import Service
from likes.runs.leases import Busy

DONE, NEEDS_A_PERSON, TRY_LATER = 0, 1, 75

#: Told while a run is at work: how many are done, of how many if known, and in words.
Progress = Callable[[int, int | None, str], None]
#: Asked after each batch: has this slice had its time?
TimeIsUp = Callable[[], bool]


def tell_error(error: Exception) -> tuple[str, int]:
    """Return a line for a person on an error that ends a run or a command, and its exit code."""
    text = str(error)
    if isinstance(error, RateLimited):
        when = f"{error.retry_at:%Y-%m-%d %H:%M} UTC"
        if when not in text:
            text = f"{text.rstrip('.')}. Come back after {when}."
        return text, TRY_LATER
    if isinstance(error, TemporaryError):
        return f"{text.rstrip('.')}. Try again later; nothing is lost.", TRY_LATER
    return text, TRY_LATER if isinstance(error, Busy) else NEEDS_A_PERSON


class SliceDone(Exception):
    """The slice has had its time; the next one goes on from what is stored."""


@dataclass
class Summary:
    """How a run ended. ``more`` says that it stopped only because its slice was done; ``run`` is
    the id under which its changes can be taken back."""

    exit_code: int = field(default=DONE, kw_only=True)
    message: str = field(default="", kw_only=True)
    more: bool = field(default=False, kw_only=True)
    run: int | None = field(default=None, kw_only=True)

    @property
    def counts(self) -> dict[str, Any]:
        """The keys that ``--json`` prints, in their order."""
        outcome = {"exit_code", "message", "more", "run"}
        return {key: value for key, value in asdict(self).items() if key not in outcome}


@dataclass
class ImportSummary(Summary):
    """``seen = imported + already_known + unavailable + merged``."""

    seen: int = 0
    imported: int = 0
    already_known: int = 0
    unavailable: int = 0
    merged: int = 0
    removed_on_spotify: int = 0
    total_on_spotify: int | None = None
    complete: bool = False
    api_calls: int = 0
    seconds: float = 0.0


@dataclass
class ExportSummary(Summary):
    """``candidates = loved + already_loved + needs_review + not_found + failed + remaining``."""

    candidates: int = 0
    loved: int = 0
    already_loved: int = 0
    needs_review: int = 0
    not_found: int = 0
    failed: int = 0
    remaining: int = 0
    confirmed: int = 0
    api_calls: int = 0
    seconds: float = 0.0

    @property
    def settled(self) -> int:
        return self.loved + self.already_loved + self.needs_review + self.not_found + self.failed


@dataclass
class VerifySummary(Summary):
    """What both services say, held against what Narada believes; ``complete`` if both said all.

    ``loved`` counts loves; ``shared`` the likes on a page that another is counted for, as
    they have one name or a person said so.
    """

    likes: int = 0
    loved: int = 0
    shared: int = 0
    excluded: int = 0
    waiting: int = 0
    on_spotify: int | None = None
    missing_in_narada: int = 0
    no_longer_on_spotify: int = 0
    complete: bool = False
    agree: bool = False
    exceptions: list[dict[str, str]] = field(default_factory=list)
    api_calls: int = 0
    seconds: float = 0.0


def silent(done: int, total: int | None, text: str) -> None:
    """Report progress to nobody."""


def estimate_minutes(calls: int, service: Service) -> str:
    rates = {
        Service.SPOTIFY: settings.SPOTIFY_REQUESTS_PER_SECOND,
        Service.LASTFM: settings.LASTFM_REQUESTS_PER_SECOND,
    }
    minutes = calls / rates[service] / 60 if rates[service] > 0 else 0
    return "less than a minute" if minutes < 1 else f"about {minutes:,.0f} min"
