"""One run with what it changed, and the button that takes it back."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from likes.leases import Busy
from likes.undo import MEANING, Undo, UnknownRun, undo_run

#: Tracks named of each kind on the page.
MOST_NAMES = 100


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def run_detail(request: HttpRequest, number: int) -> HttpResponse:
    """List what can be taken back of a run of the user's own; by POST, take it back."""
    wanted = request.method == "POST"
    try:
        undo = undo_run(request.user, number, dry_run=not wanted, started_by="button")
    except UnknownRun as error:
        raise Http404 from error
    except Busy as error:
        messages.error(request, str(error))
        return redirect("runs")
    if not wanted:
        return render(request, "likes/run_detail.html", _describe(undo))
    if undo.undone_by:
        messages.success(request, f"{undo.undone_by.message} To have it back, undo that run.")
    else:
        messages.info(request, "There is nothing to take back.")
    return redirect("runs")


def _describe(undo: Undo) -> dict[str, object]:
    kinds = [
        (meaning, changes, changes[:MOST_NAMES], len(changes) - MOST_NAMES)
        for what, meaning in MEANING.items()
        if (changes := undo.changes[what])
    ]
    return {"undo": undo, "kinds": kinds, "skipped": undo.skipped.most_common()}
