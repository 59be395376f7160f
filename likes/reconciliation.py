"""After a walk: the rows known are held against Spotify's total, and what differs is found.

A total alone never removes or adds anything: it only says that the list has to be read again, by
bisection where rows are only gone, else whole. What a reading did not show is asked for by
``contains``, and only then marked as gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from likes.leases import save_checkpoint
from likes.models import (
    Checkpoint,
    Like,
    MappingQuerySet,
    Service,
    ServiceMapping,
    SyncSettings,
)
from likes.questions import close_question, find_most, may_remove
from likes.removals import Inconclusive, find_missing
from likes.spotify_walk import Walk, list_keys, read_whole
from likes.summaries import NEEDS_A_PERSON
from likes.unlikes import mark_removed_on_spotify, unlist

#: A like with an old date may stand in for an unlike in the total, which then tells of neither.
#: Only a whole reading does, so there is one now and then.
WHOLE_EVERY = timedelta(days=30)


def reconcile(walk: Walk) -> None:
    """See that what Narada knows is what Spotify has, once the whole list has been read."""
    if walk.limit is not None or not walk.checkpoint.complete:
        return
    if not walk.whole and _is_long_unread(walk.checkpoint):
        read_whole(walk)
    if not _is_settled(walk):
        _settle_difference(walk)
    _ask_for_hidden(walk)


def _is_long_unread(checkpoint: Checkpoint) -> bool:
    read_at = checkpoint.whole_read_at
    return read_at is None or read_at < timezone.now() - WHOLE_EVERY


def _is_settled(walk: Walk) -> bool:
    """Whether the rows known add up to the total, or a person has been asked why they do not."""
    checkpoint = walk.checkpoint
    stood_still = len(walk.totals) == 1
    if _count_listed(walk) + checkpoint.unexplained != checkpoint.total:
        return False
    if walk.whole and not stood_still:
        return False
    if checkpoint.unexplained >= 0:
        close_question(checkpoint)
        return True
    # Only removals that a person was asked about leave more rows known than are listed.
    return not walk.whole and _refuse_removals(walk, -checkpoint.unexplained)


def _settle_difference(walk: Walk) -> None:
    checkpoint = walk.checkpoint
    gone, hidden, stood_still = _find_gone(walk)
    refused = _refuse_removals(walk, len(gone))
    with transaction.atomic():
        if not refused:
            _mark_removed(walk, gone)
        if stood_still:
            unlist(walk.user, hidden)
            total = checkpoint.total or 0
            save_checkpoint(checkpoint, unexplained=total - _count_listed(walk))


def _find_gone(walk: Walk) -> tuple[list[str], list[str], bool]:
    """Return the keys of rows that are gone, of those that are not shown and liked all the same,
    and whether the list stood still. Of what a bisection missed none may be liked."""
    missing = None if walk.whole else _bisect(walk)
    if missing is not None:
        gone, hidden = _ask_for_missing(walk, missing, stood_still=True)
        if not hidden:
            return gone, hidden, True
    if not walk.whole:
        read_whole(walk)
    stood_still = len(walk.totals) == 1
    missing = set(_listed(walk).values_list("key", flat=True)) - walk.seen_keys
    return *_ask_for_missing(walk, missing, stood_still), stood_still


def _ask_for_hidden(walk: Walk) -> None:
    """Of what the list does not show although it is liked, ask whether it still is: no total
    tells of it. A row without a name that stands in its place does."""
    shown, nameless = _listed(walk).values("track"), _listed(walk).filter(service_id="")
    of_user = ServiceMapping.objects.of(walk.user).on(Service.SPOTIFY).exclude(service_id="")
    hidden = of_user.filter(
        listed=False,
        track__likes__service=Service.SPOTIFY,
        track__likes__state=Like.State.PRESENT,
    ).exclude(Q(track__in=shown) | Q(liked_at__in=nameless.values("liked_at")))
    keys = dict(hidden.values_list("service_id", "key"))
    liked = walk.connector.contains(list(keys)) if keys else {}
    gone = [keys[service_id] for service_id, still in liked.items() if not still]
    if gone and not _refuse_removals(walk, len(gone)):
        _mark_removed(walk, gone)


def _mark_removed(walk: Walk, keys: Sequence[str]) -> None:
    settings = SyncSettings.objects.filter(user=walk.user)
    follow = settings.filter(on_unlike=SyncSettings.Unlike.FOLLOW).exists()
    with transaction.atomic():
        count = mark_removed_on_spotify(walk.user, keys, follow, walk.run)
        walk.summary.removed_on_spotify += count
        close_question(walk.checkpoint)


def _listed(walk: Walk) -> MappingQuerySet:
    return ServiceMapping.objects.of(walk.user).on(Service.SPOTIFY).filter(listed=True)


def _count_listed(walk: Walk) -> int:
    return _listed(walk).count()


def _bisect(walk: Walk) -> set[str] | None:
    """Return the keys that the list no longer shows, found with few calls; None where only a
    whole reading tells, or costs less.
    """
    checkpoint = walk.checkpoint
    total = checkpoint.total or 0
    if checkpoint.unexplained or len(walk.totals) != 1 or _count_listed(walk) <= total:
        return None
    known = list(_listed(walk).order_by("-liked_at", "pk").values_list("key", "liked_at"))

    def read(offset: int) -> list[str]:
        page = walk.connector.get_liked_page(offset, walk.page_size)
        walk.pages_read += 1
        if page.total != total:
            raise Inconclusive
        return list_keys(page)

    try:
        return find_missing(known, total, read, walk.page_size, total // walk.page_size // 2)
    except Inconclusive:
        return None


def _ask_for_missing(
    walk: Walk, missing: set[str], stood_still: bool
) -> tuple[list[str], list[str]]:
    """Return the keys of the rows that a reading did not show: first those that Spotify says are
    gone, then those that are liked all the same.

    Rows without an id cannot be asked for; they count as gone when the list stood still. A track
    that Spotify took down may leave a row without a name in its place; that is no unlike.
    """
    rows = [
        row for row in _listed(walk).values_list("key", "service_id", "liked_at")
        if row[0] in missing
    ]  # fmt: skip
    liked = walk.connector.contains([service_id for _, service_id, _ in rows if service_id])
    gone: list[str] = []
    hidden: list[str] = []
    for key, service_id, liked_at in rows:
        if not service_id:
            (gone if stood_still else hidden).append(key)
        elif liked[service_id] or (liked_at is not None and liked_at in walk.seen_nameless):
            hidden.append(key)
        else:
            gone.append(key)
    return gone, hidden


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
