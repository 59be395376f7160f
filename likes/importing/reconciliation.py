"""After a walk: the rows known are held against Spotify's total, and what differs is found.

A total alone never removes or adds anything: it only says that the list has to be read again, by
bisection where rows are only gone, else whole. What a reading did not show is asked for by
``contains``, and only then marked as gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from connectors.errors import ConnectorError
from connectors.spotify import MOST_URIS
from connectors.text import count_nouns
from likes.importing.bisection import Inconclusive, find_missing
from likes.importing.rows import list_keys
from likes.importing.spotify_walk import Walk, read_whole
from likes.like_operations import mark_removed_on_spotify, mark_unavailable, unlist
from likes.models import Checkpoint, Like, MappingQuerySet, Service, ServiceMapping, SyncSettings
from likes.models.batches import chunked
from likes.runs.leases import save_checkpoint
from likes.runs.removal_questions import FEW, close_question, find_most, may_remove
from likes.runs.summaries import NEEDS_A_PERSON, ImportSummary, SliceDone

#: A like with an old date may stand in for an unlike in the total, which then tells of neither.
#: Only a whole reading does, so there is one now and then.
WHOLE_EVERY = timedelta(days=30)
#: Answers of a search that was cut off are of use within this.
KEPT_FOR = timedelta(hours=1)
T = TypeVar("T")


@dataclass
class _Answers:
    """What a search for unlikes has asked Spotify; a slice that ends, or fails, keeps it for the
    next, which asks for none of it again if the list looks as it did.

    ``missing`` are the keys of rows that a reading did not show, once they are known.
    """

    walk: Walk
    pages: dict[int, list[str]] = field(default_factory=dict)
    liked: dict[str, bool] = field(default_factory=dict)
    missing: list[str] | None = None
    by_bisection: bool = False
    has_asked: bool = False

    def __post_init__(self) -> None:
        kept = self.walk.checkpoint.unfinished
        if kept is None:
            return
        save_checkpoint(self.walk.checkpoint, unfinished=None)
        kept_at = parse_datetime(kept["at"])
        recent = kept_at is not None and timezone.now() - kept_at < KEPT_FOR
        if recent and kept["list"] == self._describe_list() and not self.walk.whole:
            self.pages = {int(offset): keys for offset, keys in kept["pages"].items()}
            self.liked, self.missing = kept["liked"], kept["missing"]
            self.by_bisection = kept["by_bisection"]
            self.walk.whole = kept["whole"]
            for liked_at, count in kept["nameless"]:
                self.walk.new_nameless[liked_at and parse_datetime(liked_at)] += count

    def _describe_list(self) -> list[int | None]:
        """How many rows Spotify says and Narada knows: a row that came was met at the head."""
        return [self.walk.checkpoint.total, _count_listed(self.walk), self.walk.checkpoint.reading]

    def _ask(self, call: Callable[[], T]) -> T:
        if self.has_asked and self.walk.time_is_up is not None and self.walk.time_is_up():
            self._keep()
            raise SliceDone
        self.has_asked = True
        try:
            return call()
        except ConnectorError:
            self._keep()
            raise

    def _keep(self) -> None:
        kept = {
            "at": timezone.now().isoformat(),
            "list": self._describe_list(),
            "whole": self.walk.whole,
            "pages": self.pages,
            "liked": self.liked,
            "missing": self.missing,
            "nameless": [
                (liked_at and liked_at.isoformat(), count)
                for liked_at, count in self.walk.new_nameless.items()
            ],
            "by_bisection": self.by_bisection,
        }
        save_checkpoint(self.walk.checkpoint, unfinished=kept)

    def read(self, offset: int) -> list[str]:
        """Return the keys of the page at an offset."""
        if offset not in self.pages:
            walk = self.walk
            page = self._ask(lambda: walk.connector.get_liked_page(offset, walk.page_size))
            walk.pages_read += 1
            if page.total != walk.checkpoint.total:
                raise Inconclusive
            self.pages[offset] = list_keys(page)
        return self.pages[offset]

    def contains(self, service_ids: Sequence[str]) -> dict[str, bool]:
        """Tell for each track id whether it is liked."""
        unknown = [one for one in service_ids if one not in self.liked]
        for chunk in chunked(unknown, MOST_URIS):
            self.liked.update(self._ask(lambda chunk=chunk: self.walk.connector.contains(chunk)))
        return {one: self.liked[one] for one in service_ids}


@dataclass
class _Difference:
    """Keys of rows that a reading did not show: those that are ``gone``, those ``hidden`` although
    they are liked, and those that a row without a name replaced. Whether the list stood still."""

    gone: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    nameless: list[str] = field(default_factory=list)
    stood_still: bool = True


def reconcile(walk: Walk) -> None:
    """See that what Narada knows is what Spotify has, once the whole list has been read."""
    if _is_zeroed(walk):
        return
    if walk.limit is not None or not walk.checkpoint.complete:
        return
    answers = _Answers(walk)
    if not walk.whole and _is_long_unread(walk.checkpoint):
        read_whole(walk)
    if _waits_for_answer(walk):
        return
    difference = None if _adds_up(walk) else _find_difference(walk, answers)
    if difference and _hides_too_many(walk, difference):
        return
    gone = [*(difference.gone if difference else ()), *_find_gone_of_hidden(walk, answers)]
    refused = bool(gone) and _refuse_removals(walk, len(gone))
    with transaction.atomic():
        if gone and not refused:
            _mark_removed(walk, gone)
        if not refused:
            close_question(walk.checkpoint)
        if difference and difference.stood_still:
            unlist(walk.user, [*difference.hidden, *difference.nameless])
            _note_nameless(walk, difference.nameless)
            total = walk.checkpoint.total or 0
            save_checkpoint(walk.checkpoint, unexplained=total - _count_listed(walk))


def _is_zeroed(walk: Walk) -> bool:
    """Tell whether Spotify says that nothing is liked, of which a person is asked before any call
    is spent on it."""
    known = _count_listed(walk)
    if walk.totals != {0} or known <= FEW or walk.accept_removals:
        return False
    if may_remove(walk.checkpoint, known, known, accept=False):
        return False
    walk.summary.exit_code = NEEDS_A_PERSON
    walk.summary.message = _tell_zeroed(walk.user, known)
    return True


def _tell_zeroed(user: User, known: int) -> str:
    return (
        f"Spotify says that you have no liked songs, although Narada knows {known:,}. "
        "Nothing was removed. If you removed them all, say so on the first page, or run: "
        f"narada import-spotify-likes -u {user} --accept-removals"
    )


def foretell_removals(
    checkpoint: Checkpoint, total: int, new: int, summary: ImportSummary, accept: bool
) -> str:
    """Say, for an import that is only planned, what its total tells of likes that are gone; of
    that total so many rows are ``new``."""
    known = _listed_of(checkpoint.user).count()
    gone = known + new + checkpoint.unexplained - total
    if gone <= 0 or not checkpoint.complete:
        return ""
    believed = accept or gone <= checkpoint.removals_agreed
    if not total and known > FEW and not believed:
        summary.exit_code, summary.complete = NEEDS_A_PERSON, False
        return _tell_zeroed(checkpoint.user, known)
    songs = count_nouns(
        gone, "liked song that Narada knows is", "liked songs that Narada knows are"
    )
    told = f"{songs} no longer on Spotify; an import finds out which."
    if gone > find_most(known) and not believed:
        told += " As these are so many, it removes none before you say that it is right."
    return told


def _hides_too_many(walk: Walk, difference: _Difference) -> bool:
    """Tell whether the list does not show a great many that are liked all the same."""
    hidden, known = len(difference.hidden), _count_listed(walk)
    if hidden <= find_most(known):
        return False
    walk.summary.exit_code = NEEDS_A_PERSON
    walk.summary.message = (
        f"Spotify's list does not show {hidden:,} of the {known:,} likes that Narada knows, "
        "although Spotify says that they are liked. Nothing was changed; run the import again "
        "later."
    )
    return True


def _is_long_unread(checkpoint: Checkpoint) -> bool:
    read_at = checkpoint.whole_read_at
    return read_at is None or read_at < timezone.now() - WHOLE_EVERY


def _adds_up(walk: Walk) -> bool:
    checkpoint = walk.checkpoint
    if _count_listed(walk) + checkpoint.unexplained != checkpoint.total:
        return False
    return checkpoint.unexplained >= 0 and (not walk.whole or walk.stood_still)


def _waits_for_answer(walk: Walk) -> bool:
    """Whether nothing differs but removals that a person was asked about and did not answer: only
    those leave more rows known than are listed."""
    checkpoint = walk.checkpoint
    unexplained = checkpoint.unexplained
    if walk.whole or unexplained >= 0 or _count_listed(walk) + unexplained != checkpoint.total:
        return False
    return _refuse_removals(walk, max(-unexplained, checkpoint.removals_asked))


def _find_difference(walk: Walk, answers: _Answers) -> _Difference:
    """Find what the list no longer shows, by bisection if it may be; of what that missed each has
    an id to ask for, and none may be liked."""
    if answers.missing is None and not (walk.whole and walk.stood_still):
        answers.missing = _bisect(walk, answers)
        answers.by_bisection = answers.missing is not None
    if answers.missing is not None and answers.by_bisection:
        difference = _ask_for_missing(walk, answers, stood_still=True)
        if not difference.hidden:
            return difference
        answers.missing = None
    if not walk.whole:
        read_whole(walk)
    if answers.missing is None:
        unseen = _listed(walk).exclude(seen=walk.checkpoint.reading)
        answers.missing, answers.by_bisection = list(unseen.values_list("key", flat=True)), False
    return _ask_for_missing(walk, answers, stood_still=walk.stood_still)


def _find_gone_of_hidden(walk: Walk, answers: _Answers) -> list[str]:
    """Of what the list does not show although it is liked, ask whether it still is: no total
    tells of it. Return the keys of those that are not."""
    of_user = ServiceMapping.objects.of(walk.user).on(Service.SPOTIFY).exclude(service_id="")
    hidden = of_user.filter(
        listed=False,
        track__likes__service=Service.SPOTIFY,
        track__likes__state=Like.State.PRESENT,
    ).exclude(track__in=_listed(walk).values("track"))
    keys = dict(hidden.values_list("service_id", "key"))
    liked = answers.contains(list(keys))
    return [keys[service_id] for service_id, still in liked.items() if not still]


def _mark_removed(walk: Walk, keys: Sequence[str]) -> None:
    settings = SyncSettings.objects.filter(user=walk.user)
    follow = settings.filter(on_unlike=SyncSettings.Unlike.FOLLOW).exists()
    count = mark_removed_on_spotify(walk.user, keys, follow, walk.run)
    walk.summary.removed_on_spotify += count


def _note_nameless(walk: Walk, keys: Sequence[str]) -> None:
    """Spotify took these down: their place in the list has no name now, and that is no unlike."""
    tracks = ServiceMapping.objects.of(walk.user).on(Service.SPOTIFY).keyed(keys).values("track")
    likes = Like.objects.of(walk.user).on(Service.SPOTIFY).filter(track__in=tracks)
    mark_unavailable(likes.exclude(track__in=_listed(walk).values("track")))


def _listed(walk: Walk) -> MappingQuerySet:
    return _listed_of(walk.user)


def _listed_of(user: User) -> MappingQuerySet:
    return ServiceMapping.objects.of(user).on(Service.SPOTIFY).filter(listed=True)


def _count_listed(walk: Walk) -> int:
    return _listed(walk).count()


def _bisect(walk: Walk, answers: _Answers) -> list[str] | None:
    """Return the keys that the list no longer shows, found with few calls; None where only a
    whole reading tells, or costs less.
    """
    checkpoint = walk.checkpoint
    total = checkpoint.total or 0
    if checkpoint.unexplained or len(walk.totals) != 1 or _count_listed(walk) <= total:
        return None
    latest_first = F("liked_at").desc(nulls_last=True)
    known = list(_listed(walk).order_by(latest_first, "pk").values_list("key", "liked_at"))

    try:
        missing = find_missing(
            known, total, answers.read, walk.page_size, total // walk.page_size // 2
        )
    except Inconclusive:
        return None
    # Nobody can be asked for a row without an id, and one page does not tell two such apart.
    nameless = _listed(walk).filter(service_id="").keyed(missing)
    return None if nameless.exists() else sorted(missing)


def _ask_for_missing(walk: Walk, answers: _Answers, stood_still: bool) -> _Difference:
    """Ask of the rows that a reading did not show what became of them.

    Rows without an id cannot be asked for; they count as gone when the list stood still. A track
    that Spotify took down leaves a row without a name in its place, new in this run, for each.
    """
    missing = set(answers.missing or ())
    rows = [
        row for row in _listed(walk).values_list("key", "service_id", "liked_at")
        if row[0] in missing
    ]  # fmt: skip
    liked = answers.contains([service_id for _, service_id, _ in rows if service_id])
    found, nameless = _Difference(stood_still=stood_still), _count_new_nameless(walk)
    # What could not be read may be any of those that cannot be asked for.
    all_read = stood_still and not walk.list_unreadable().exists()
    for key, service_id, liked_at in rows:
        if not service_id:
            (found.gone if all_read else found.hidden).append(key)
        elif liked[service_id]:
            found.hidden.append(key)
        elif nameless[liked_at] > 0:
            nameless[liked_at] -= 1
            found.nameless.append(key)
        else:
            found.gone.append(key)
    return found


def _count_new_nameless(walk: Walk) -> Counter[datetime | None]:
    """Count the rows without a name that are new, by when they were liked: in this run, and in the
    earlier slices of a whole reading."""
    since = walk.checkpoint.reading_since
    if not walk.whole or since is None:
        return Counter(walk.new_nameless)
    new = _listed(walk).filter(key__startswith="none:", created_at__gte=since)
    return walk.new_nameless | Counter(new.values_list("liked_at", flat=True))


def _refuse_removals(walk: Walk, count: int) -> bool:
    """Many removals at once are more likely a fault than a wish: a person is asked first."""
    known = _count_listed(walk)
    if may_remove(walk.checkpoint, count, known, accept=walk.accept_removals):
        return False
    walk.summary.exit_code = NEEDS_A_PERSON
    walk.summary.message = (
        f"Spotify no longer has {count:,} of the likes that Narada knows, more than "
        f"{find_most(known):,} at once. Nothing was removed. If that is right, say so on the "
        f"first page, or run: narada import-spotify-likes -u {walk.user} --accept-removals"
    )
    return True
