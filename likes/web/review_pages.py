"""The review list, and every decision a person makes in the pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import DisallowedRedirect
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from likes import review
from likes.exporting.typed_names import find_objection
from likes.models import Like, LikeQuerySet, Service, ServiceMapping, Track
from likes.models.batches import count_up_to
from likes.models.search import search_tracks
from likes.web.forms import NameForm
from likes.web.like_list import LikeList
from likes.web.paging import get_page, get_page_of_few

PAGE_SIZE = 20
#: Decided at one press at most; the rest stays for the next press.
MOST_AT_ONCE = 500
MOST_REASONS = 8
MOST_COUNTED = 1_000

STATES = {
    Like.State.REVIEW.value: "needs review",
    Like.State.NOT_FOUND.value: "not found",
    Like.State.FAILED.value: "refused",
}
#: What can be done to many likes at once.
BULK: dict[str, Callable[[Like, AbstractBaseUser], object]] = {
    "preview": review.accept_best,
    "accept": review.accept_best,
    "reject": review.reject_all,
    "love": review.love_anyway,
    "exclude": review.exclude,
    "reopen": review.reopen,
}
ON_MAPPING: dict[str, Callable[[ServiceMapping, AbstractBaseUser], object]] = {
    "accept": review.accept,
    "reject": review.reject,
}
ON_TRACK: dict[str, Callable[[Like, AbstractBaseUser], object]] = {
    "love": review.love_anyway,
    "exclude": review.exclude,
    "reopen": review.reopen,
}


@dataclass(frozen=True)
class Filter:
    """Which cases are shown: those in a state, with some words, held back for one reason."""

    state: str
    text: str
    reason: str

    @classmethod
    def read(cls, given: Any) -> Filter:
        state = given.get("state", "")
        return cls(
            state=state if state in STATES else "",
            text=given.get("q", "").strip()[:200],
            reason=given.get("reason", "")[:500],
        )

    def find(self, user: AbstractBaseUser) -> LikeQuerySet:
        return search_tracks(self.list(user).rows, self.text, "track__", user)

    def list(self, user: AbstractBaseUser) -> LikeList:
        """Return the cases in the state and held back for the reason, whatever their words."""
        cases = Like.objects.of(user).on(Service.LASTFM).select_related("track")
        reason = Q(last_error=self.reason) if self.reason else Q()
        return LikeList(user, cases, self.states, reason)

    @property
    def states(self) -> list[str]:
        return [self.state] if self.state else [*STATES]


@login_required
@require_safe
def review_list(request: HttpRequest) -> HttpResponse:
    """The cases that only a person can settle, one under the other."""
    shown = Filter.read(request.GET)
    cases = shown.list(request.user)
    open_cases = Filter("", "", "").find(request.user)
    held = [*open_cases.values_list("last_error", flat=True)[: MOST_COUNTED + 1]]
    are_few = len(held) <= MOST_COUNTED
    mark, most = request.GET.get("after", ""), MOST_COUNTED
    if shown.text:
        page, total, most = cases.find(shown.text, mark, PAGE_SIZE, most)
    else:
        if are_few:
            page = get_page_of_few(cases.rows, mark, PAGE_SIZE)
        else:
            page = get_page(cases.lists, mark, PAGE_SIZE)
        total = len(held) if shown == Filter("", "", "") else count_up_to(cases.rows, most)
    give_candidates(page.rows)
    last_bulk = review.find_last_bulk(request.user)
    return render(
        request,
        "likes/review_list.html",
        {
            "page": page,
            "total": total,
            "most_counted": most,
            "shown": shown,
            "states": STATES,
            "reasons": _count_reasons(held),
            "are_few": are_few,
            "most": MOST_AT_ONCE,
            "last_bulk": last_bulk,
            "last_bulk_count": len(last_bulk),
        },
    )


def give_candidates(cases: Iterable[Like]) -> None:
    """Set ``pages`` of each case to what it may be on Last.fm, likeliest first; in one query."""
    cases = list(cases)
    pages: dict[int, list[ServiceMapping]] = {}
    found = ServiceMapping.objects.on(Service.LASTFM).filter(
        track__in=[case.track_id for case in cases]
    )
    for page in sorted(found, key=lambda page: (-(page.score or 0), page.pk)):
        pages.setdefault(page.track_id, []).append(page)
    for case in cases:
        case.pages = pages.get(case.track_id, [])  # type: ignore[attr-defined]


def _count_reasons(held: Iterable[str]) -> list[tuple[str, int]]:
    """Return what holds several cases back, the most frequent first."""
    counted = sorted(Counter(filter(None, held)).items(), key=lambda pair: (-pair[1], pair[0]))
    return [(reason, number) for reason, number in counted if number > 1][:MOST_REASONS]


@login_required
@require_POST
def decide_on_many(request: HttpRequest) -> HttpResponse:
    """Decide alike on the cases ticked, or on all that the filter shows."""
    decide = BULK.get(request.POST.get("decision", ""))
    if decide is None:
        raise Http404
    cases = Filter.read(request.POST).find(request.user).select_related("track")
    if request.POST.get("scope") != "all":
        ticked = [pk for pk in request.POST.getlist("case") if pk.isdecimal() and len(pk) < 19]
        cases = cases.filter(pk__in=ticked)
    rows = list(cases.order_by("pk")[:MOST_AT_ONCE])
    if not rows:
        messages.error(request, "No case was ticked.")
    elif request.POST.get("decision") == "preview":
        return render(request, "likes/accept_many.html", _preview(request, rows))
    elif decide is review.accept_best:
        messages.success(request, f"{review.accept_best_of_many(rows, request.user)}.")
    else:
        messages.success(request, f"{review.decide_many(decide, rows, request.user)}.")
    return _go_back(request, "review")


def _preview(request: HttpRequest, rows: list[Like]) -> dict[str, Any]:
    """Return what accepting the likeliest candidates would do: pages, and why not the others."""
    chosen: list[tuple[Like, ServiceMapping]] = []
    skipped: Counter[str] = Counter()
    for like in rows:
        try:
            chosen.append((like, review.find_best(like)))
        except review.NotPossible as reason:
            skipped[str(reason)] += 1
    return {"chosen": chosen, "skipped": skipped.most_common(), "next": request.POST.get("next")}


@login_required
@require_POST
def take_back_bulk(request: HttpRequest) -> HttpResponse:
    """Take back what was accepted together last."""
    accepted = review.find_last_bulk(request.user)
    if not accepted:
        messages.info(request, "There is nothing to take back.")
    else:
        outcome = review.take_back_bulk(accepted, request.user)
        messages.success(request, f"Taken back: {outcome}.")
    return _go_back(request, "review")


@login_required
@require_POST
def decide_on_page(request: HttpRequest, pk: int, decision: str) -> HttpResponse:
    """Accept or reject one page on Last.fm."""
    mapping = get_object_or_404(ServiceMapping, pk=pk, user=request.user, service=Service.LASTFM)
    return _decide(request, mapping.track_id, lambda: ON_MAPPING[decision](mapping, request.user))


@login_required
@require_POST
def decide_on_track(request: HttpRequest, pk: int, decision: str) -> HttpResponse:
    """Leave a track out on Last.fm, or try it again."""
    like = get_object_or_404(Like, track=pk, user=request.user, service=Service.NARADA)
    return _decide(request, pk, lambda: ON_TRACK[decision](like, request.user))


@login_required
@require_POST
def name_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the name that a person typed as the track's page on Last.fm."""
    track = get_object_or_404(Track, pk=pk, user=request.user)
    form = NameForm(request.POST)
    if form.is_valid() and not form.cleaned_data["sure"]:
        names = form.cleaned_data
        if objection := find_objection(names["artist"], names["title"]):
            return _ask_about_name(request, track, objection, names)

    def choose() -> None:
        if not form.is_valid():
            wrong = [text for texts in form.errors.values() for text in texts]
            raise review.NotPossible(" ".join(wrong))
        names = form.cleaned_data
        review.choose_name(track, names["artist"], names["title"], request.user)

    return _decide(request, pk, choose)


def _ask_about_name(
    request: HttpRequest, track: Track, objection: str, names: dict[str, Any]
) -> HttpResponse:
    """Say what is odd about a typed name, and offer to take it all the same."""
    asked = {"objection": objection, "names": names, "track": track, "track_id": track.pk}
    asked["next"] = request.POST.get("next", "")
    in_review = request.htmx and request.POST.get("from") == "review"
    if in_review and (case := _find_case(request, track.pk)) is not None:
        return render(request, "likes/_case.html", {"case": case, **asked})
    return render(request, "likes/confirm_name.html", asked)


def _find_case(request: HttpRequest, track_id: int) -> Like | None:
    cases = Like.objects.of(request.user).on(Service.LASTFM).select_related("track")
    case = cases.filter(track=track_id).first()
    if case is not None:
        give_candidates([case])
    return case


def _decide(request: HttpRequest, track_id: int, decide: Callable[[], object]) -> HttpResponse:
    """Make a decision, then show the case as it is now, or go back to where it was made."""
    problem = ""
    try:
        decide()
    except review.NotPossible as reason:
        problem = str(reason)
    if request.htmx and request.POST.get("from") == "review":
        case = _find_case(request, track_id)
        if case is None:
            return HttpResponse()  # no case is left to show: the page takes it away
        return render(request, "likes/_case.html", {"case": case, "problem": problem})
    if problem:
        messages.error(request, f"Nothing was changed: {problem.rstrip('.')}.")
    else:
        messages.success(request, "Decided. The next sync does what follows from it.")
    return _go_back(request, "track", track_id)


def _go_back(request: HttpRequest, *fallback: object) -> HttpResponse:
    """Redirect to the page that the form names, if it is one of ours, or else to ``fallback``.

    What was decided is decided, so an odd address never ends in an error.
    """
    address = request.POST.get("next", "")
    if address.startswith("/") and url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        with suppress(DisallowedRedirect):  # too long
            return HttpResponseRedirect(address)
    return redirect(*fallback)
