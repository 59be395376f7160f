"""What the pages say of runs: slices of one run told as one, counts as a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone

from connectors.text import count_nouns
from likes.models import Run
from likes.runs.leases import is_working

#: A slice this long after another is not the same run any more.
SLICE_GAP = timedelta(minutes=10)
#: A run that has said nothing for so long and whose lease is free was killed.
SILENCE = timedelta(seconds=60)
MOST_SLICES = 200

#: In which words a count is told; a count of 0 is left out, and so is what is no news.
WORDS = {
    "seen": "read",
    "imported": "new",
    "already_known": "known before",
    "merged": "the same as another",
    "unavailable": "unavailable",
    "removed_on_spotify": "no longer on Spotify",
    "loved": "loved",
    "already_loved": "loved already",
    "needs_review": "to review",
    "not_found": "not found",
    "failed": "refused",
    "remaining": "still to send",
    "likes": "likes",
    "excluded": "not wanted there",
    "waiting": "waiting",
    "taken_back": "taken back",
    "skipped": "left as they are",
}
#: The word for a count of 1, where that is another.
ONE = {"likes": "like"}
#: What a later slice says anew; the other counts add up.
LATEST = {"remaining", "candidates", "total_on_spotify", "complete", "confirmed"}


@dataclass
class ToldRun:
    """One or more slices of a run, as a person sees them: newest slice first."""

    number: int
    kind: str
    started_by: str
    state: str
    state_label: str
    started_at: datetime
    ended_at: datetime | None
    message: str
    counts: dict[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        return tell_counts(self.counts)


def tell_counts(counts: dict[str, Any]) -> str:
    """Return the counts of a run as a sentence, those of 0 left out."""
    told = [
        count_nouns(counts[key], ONE.get(key, word), word)
        for key, word in WORDS.items()
        if isinstance(counts.get(key), int) and counts[key]
    ]
    return ", ".join(told)


def tell_runs(user: AbstractBaseUser, most: int = 8) -> list[ToldRun]:
    """Return the user's last runs, newest first, with the slices of each told as one."""
    slices = Run.objects.filter(user=user).order_by("-started_at", "-pk")[:MOST_SLICES]
    return join_slices(slices, is_working(user))[:most]


def join_slices(slices: Iterable[Run], working: bool) -> list[ToldRun]:
    """Join runs, newest first, that are slices of one: the same kind, cut off to go on at once."""
    told: list[ToldRun] = []
    for run in slices:
        last = told[-1] if told else None
        if last is not None and _goes_on(run, last):
            _add_slice(last, run)
        else:
            told.append(_tell(run, working))
    return told


def list_slices(run: Run) -> list[Run]:
    """Return a run with those before and after it that are slices of the same, oldest first."""
    alike = Run.objects.filter(user=run.user_id, kind=run.kind, started_by=run.started_by)
    slices = [run]
    earlier = alike.filter(started_at__lt=run.started_at).order_by("-started_at")
    for one in earlier[:MOST_SLICES]:
        if not _is_followed(one, slices[0].started_at):
            break
        slices.insert(0, one)
    later = alike.filter(started_at__gt=run.started_at).order_by("started_at")
    for one in later[:MOST_SLICES]:
        if not _is_followed(slices[-1], one.started_at):
            break
        slices.append(one)
    return slices


def _goes_on(run: Run, later: ToldRun) -> bool:
    same = (run.get_kind_display(), run.started_by) == (later.kind, later.started_by)
    return same and _is_followed(run, later.started_at)


def _is_followed(run: Run, started_at: datetime) -> bool:
    """Whether a run that began then is the next slice of this one."""
    return _is_cut_off(run) and started_at - _ended(run) < SLICE_GAP


def _is_cut_off(run: Run) -> bool:
    """Whether it ended only because its slice was done: the next one is queued."""
    return run.state == Run.State.LATER and not run.message


def _ended(run: Run) -> datetime:
    return run.ended_at or run.started_at


def _add_slice(told: ToldRun, run: Run) -> None:
    told.started_at = run.started_at
    for key, value in run.counts.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if key in LATEST:
            told.counts.setdefault(key, value)
        else:
            told.counts[key] = told.counts.get(key, 0) + value


def _tell(run: Run, working: bool) -> ToldRun:
    state, label = run.state, run.get_state_display()
    silent_since = timezone.now() - SILENCE
    if run.state == Run.State.RUNNING and not working and run.started_at < silent_since:
        state, label = Run.State.FAILED, "interrupted"
    elif _is_cut_off(run) and _ended(run) > timezone.now() - SLICE_GAP:
        state, label = Run.State.RUNNING, "goes on"
    return ToldRun(
        number=run.pk,
        kind=run.get_kind_display(),
        started_by=run.started_by,
        state=state,
        state_label=label,
        started_at=run.started_at,
        ended_at=run.ended_at,
        message=run.message,
        counts=dict(run.counts),
    )
