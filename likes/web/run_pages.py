"""One run with what it changed, and the button that takes it back."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from likes.models import Run, RunChange, Track
from likes.models.batches import count_up_to
from likes.runs.history import list_slices
from likes.runs.leases import Busy
from likes.runs.undo import MEANING, UnknownRun, find_run, plan_tracks, undo_run

#: Changes of each kind on one page.
PAGE_SIZE = 50
#: Of more changes of a kind than these the page says that there are more.
MOST_COUNTED = 1_000


@dataclass(frozen=True)
class Kind:
    """Changes of one kind: how many there are, the tracks shown, the mark of the next ones."""

    what: str
    meaning: str
    number: int
    tracks: list[Track]
    next_mark: int


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def run_detail(request: HttpRequest, number: int) -> HttpResponse:
    """List what can be taken back of a run of the user's own; by POST, take it back."""
    try:
        if request.method != "POST":
            context = _describe(request, find_run(request.user, number))
            return render(request, "likes/run_detail.html", context)
        undo = undo_run(request.user, number, started_by="button")
    except UnknownRun as error:
        raise Http404 from error
    except Busy as error:
        messages.error(request, str(error))
        return redirect("runs")
    if undo.undone_by:
        messages.success(request, f"{undo.undone_by.message} To have it back, undo that run.")
    else:
        messages.info(request, "There is nothing to take back.")
    return redirect("runs")


def _describe(request: HttpRequest, run: Run) -> dict[str, object]:
    """Describe some changes of each kind, or the next ones of a kind; no others are read."""
    slices = list_slices(run)
    chosen = request.GET.get("what", "")
    text = request.GET.get("after", "") if chosen in MEANING else ""
    after = int(text) if text.isdecimal() and len(text) <= 18 else 0
    noted = {
        what: RunChange.objects.list_of_kind(slices, what, after, PAGE_SIZE + 1)
        for what in ([chosen] if chosen in MEANING else MEANING)
    }
    shown = dict(change for changes in noted.values() for change in changes[:PAGE_SIZE])
    undo = plan_tracks(run, slices, set(shown.values()))
    tracks = Track.objects.in_bulk(set(shown.values()))
    kinds = []
    for what, changes in noted.items():
        left = [tracks[change.track_id] for change in undo.changes[what] if change.pk in shown]
        is_part = bool(after) or len(changes) > PAGE_SIZE
        number = len(left)
        if is_part:
            rows = RunChange.objects.filter(run__in=slices, what=what)
            number = count_up_to(rows, MOST_COUNTED)
        if number:
            mark = changes[PAGE_SIZE - 1][0] if len(changes) > PAGE_SIZE else 0
            kinds.append(Kind(what, MEANING[what], number, left, mark))
    is_whole = chosen not in MEANING and not any(kind.next_mark for kind in kinds)
    return {
        "undo": undo,
        "kinds": kinds,
        "most_counted": MOST_COUNTED,
        "is_whole": is_whole,
        "is_first": not chosen,
        "skipped": undo.skipped.most_common(),
    }
