"""What the demo shows at its end, read from its database: where every like ended, and examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from django.contrib.auth.models import User
from django.db.models import F
from rich.console import Console
from rich.table import Table
from rich.text import Text

from connectors.text import keep_showable
from likes.models import Like, LikeQuerySet, Run, Service, ServiceMapping

State = Like.State
Rule = ServiceMapping.Rule

PLAIN_WIDTH = 110


def show_report(user: User, stream: IO[str]) -> None:
    """Print two tables, and whether the last runs found anything new."""
    on_terminal = stream.isatty()
    console = Console(file=stream, width=None if on_terminal else PLAIN_WIDTH, highlight=False)
    counts = Table(title=f"Where {user.username}'s likes are now", title_justify="left")
    counts.add_column("")
    counts.add_column("likes", justify="right")
    counts.add_column("")
    for label, number, note in count_likes(user):
        counts.add_row(label, f"{number:,}", note)
    console.print()
    console.print(counts)
    examples = Table(title="Some of them", title_justify="left", show_lines=True)
    for name in ("what happened", "liked on Spotify", "on Last.fm", "why"):
        examples.add_column(name, overflow="fold")
    for example in find_examples(user):
        examples.add_row(*(Text(keep_showable(text)) for text in example))
    console.print()
    console.print(examples)
    if not found_anything_new(user):
        console.print()
        console.print("Nothing was new since the last demo: nothing was imported, nothing loved.")


def count_likes(user: User) -> Iterator[tuple[str, int, str]]:
    """Yield what became of the likes: a label, a number, a note. First the import, whose numbers
    add up to all rows of Spotify's list, then the export, whose numbers add up to the tracks."""
    likes = Like.objects.of(user)
    here, there = likes.on(Service.NARADA), likes.on(Service.LASTFM)
    merged = ServiceMapping.objects.of(user).on(Service.SPOTIFY).filter(rule=Rule.MERGED).count()
    imported = here.filter(state=State.PRESENT).count()
    unavailable = here.filter(state=State.UNAVAILABLE).count()
    yield "liked on Spotify", imported + merged + unavailable, ""
    yield "  imported", imported, "tracks in Narada"
    yield "  merged", merged, "the same recording under a second id"
    yield "  unavailable", unavailable, "local files, and what Spotify no longer has"
    loved = there.filter(state=State.PRESENT)
    yield "loved on Last.fm", loved.count(), "of the imported"
    yield "  loved by Narada", loved.filter(sent_at__isnull=False).count(), ""
    yield "  loved already", loved.filter(sent_at=None).count(), "adopted without a call"
    yield "in review", there.filter(state=State.REVIEW).count(), "uncertain: a person decides"
    yield "not found", there.filter(state=State.NOT_FOUND).count(), "no page that anybody hears"
    rest = there.exclude(state__in=[State.PRESENT, State.REVIEW, State.NOT_FOUND])
    for state in sorted(set(rest.values_list("state", flat=True))):
        yield State(state).label, rest.filter(state=state).count(), ""


def find_examples(user: User) -> Iterator[tuple[str, str, str, str]]:
    """Yield rows worth a look: what happened, the track, its page or candidate, the evidence."""
    on_lastfm = Like.objects.of(user).on(Service.LASTFM).select_related("track")
    accepted = ServiceMapping.objects.of(user).accepted().select_related("track").order_by("pk")
    pages = accepted.on(Service.LASTFM)
    plain = pages.filter(rule=Rule.PLAIN_NAME, title__iregex=r"^[\w ]+$")
    renamed = plain.filter(track__title__contains="Remaster").exclude(title=F("track__title"))
    for page in renamed[:2]:
        yield "loved under the plain name", str(page.track), name(page), tell_evidence(page)
    for page in pages.filter(rule=Rule.CORRECTED)[:1]:
        yield "loved under Last.fm's spelling", str(page.track), name(page), tell_evidence(page)
    for twin in accepted.on(Service.SPOTIFY).filter(rule=Rule.MERGED)[:1]:
        both = f"{twin.track}\non {twin.track.album!r} and on {twin.album!r}"
        yield "two likes merged into one", both, "", tell_evidence(twin)
    for like in _with_candidates(on_lastfm)[:2]:
        candidate = like.track.mappings.filter(service=Service.LASTFM).order_by("-score")[0]
        yield "waits for your review", str(like.track), name(candidate), tell_evidence(candidate)
    for like in on_lastfm.filter(state=State.NOT_FOUND).order_by("pk")[:1]:
        yield "not found", str(like.track), "", like.last_error


def _with_candidates(likes: LikeQuerySet) -> LikeQuerySet:
    candidate = {
        "track__mappings__service": Service.LASTFM,
        "track__mappings__decision": ServiceMapping.Decision.CANDIDATE,
    }
    return likes.filter(state=State.REVIEW, **candidate).order_by("pk").distinct()


def name(page: ServiceMapping) -> str:
    return f"{', '.join(page.artists)} – {page.title}"


def tell_evidence(page: ServiceMapping) -> str:
    return "; ".join(str(piece.get("text", "")) for piece in page.evidence)


def found_anything_new(user: User) -> bool:
    """Whether the last import or the last export did anything."""
    news = {Run.Kind.IMPORT: ("imported", "merged"), Run.Kind.EXPORT: ("loved", "already_loved")}
    for kind, keys in news.items():
        run = Run.objects.filter(user=user, kind=kind).order_by("-started_at").first()
        if run is not None and any(run.counts.get(key) for key in keys):
            return True
    return False
