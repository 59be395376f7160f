"""A person's decision on a mismatch: the one place where it is made, for pages and admin alike.

A decision outranks every rule and survives every later sync. Each function here is one
transaction; it changes rows only, and the next export does what follows from them.
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F

from likes.like_operations import (
    CLOSED,
    LIKED,
    SENT,
    STANDING,
    TAKEN_BACK,
    add_on_lastfm,
    ask_person,
    ask_to_love,
    mark_excluded,
    mark_taken_back,
)
from likes.models import BulkAcceptance, Like, Service, ServiceMapping, Source, Track
from likes.models.listings import note_change
from matching import name_key

logger = logging.getLogger(__name__)

Row = TypeVar("Row")
State = Like.State
Decision = ServiceMapping.Decision
DecidedBy = ServiceMapping.DecidedBy

#: Longer than any name on Last.fm; what is longer was pasted by mistake.
NAME_LENGTH = 500
#: Decisions committed together: a commit costs more than they do, and a sync waits for it.
TOGETHER = 50


class NotPossible(Exception):
    """The decision makes no sense for this row; the text says why, for a person."""


@dataclass
class Outcome:
    """What became of a decision made for many rows: how many, and why not the others."""

    done: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        text = f"{self.done} changed"
        if self.skipped:
            reasons = "; ".join(f"{count}: {why}" for why, count in self.skipped.most_common())
            text += f", {self.skipped.total()} skipped ({reasons})"
        return text


def decide_many(
    decide: Callable[[Row, AbstractBaseUser], object], rows: Iterable[Row], by: AbstractBaseUser
) -> Outcome:
    """Make one decision for each row, each for itself: one that is not possible stops no other."""
    outcome = Outcome()
    left = iter(rows)
    while batch := list(islice(left, TOGETHER)):
        # Each has a savepoint of its own in it.
        with transaction.atomic():
            for row in batch:
                try:
                    decide(row, by)
                except NotPossible as reason:
                    outcome.skipped[str(reason)] += 1
                else:
                    outcome.done += 1
    return outcome


@transaction.atomic
def accept(mapping: ServiceMapping, by: AbstractBaseUser) -> None:
    """This Last.fm page is the track: it will be loved there, and under no other name."""
    track, like = _lock(mapping.track_id)
    _accept(_locked(mapping), like, track)
    logger.info("mapping %s accepted by user %s", mapping.pk, by.pk)


@transaction.atomic
def reject(mapping: ServiceMapping, by: AbstractBaseUser) -> None:
    """This Last.fm page is not the track: it will never be loved for it."""
    _, like = _lock(mapping.track_id)
    mapping = _locked(mapping)
    if (mapping.decision, mapping.decided_by) == (Decision.REJECTED, DecidedBy.PERSON):
        raise NotPossible("already rejected")
    was_accepted = mapping.decision == Decision.ACCEPTED
    if was_accepted:
        _take_back(mapping, like)
    mapping.decision, mapping.decided_by = Decision.REJECTED, DecidedBy.PERSON
    mapping.save(update_fields=["decision", "decided_by", "withdraw", "updated_at"])
    if like and (was_accepted or like.state == State.REVIEW) and like.state not in CLOSED:
        _settle_without_page(like)
        # With one page less in question another of the user's own may be it for certain.
        note_change(like.user_id)
    logger.info("mapping %s rejected by user %s", mapping.pk, by.pk)


@transaction.atomic
def choose_name(
    like_or_track: Like | Track, artist: str, title: str, by: AbstractBaseUser
) -> ServiceMapping:
    """The track is on Last.fm under this name, typed by a person; return the mapping of it."""
    artist, title = " ".join(artist.split()), " ".join(title.split())
    if not artist or not title:
        raise NotPossible("an artist and a title are needed")
    if max(len(artist), len(title)) > NAME_LENGTH:
        raise NotPossible(f"a name has at most {NAME_LENGTH} characters")
    track_id = like_or_track.pk if isinstance(like_or_track, Track) else like_or_track.track_id
    track, like = _lock(track_id)
    mapping, created = ServiceMapping.objects.get_or_create(
        track=track,
        service=Service.LASTFM,
        key=name_key(artist, title),
        defaults={
            "user_id": track.user_id,
            "title": title,
            "artists": [artist],
            "source": Source.PERSON,
            "rule": ServiceMapping.Rule.PERSON,
            "decision": Decision.CANDIDATE,
        },
    )
    if not created and (mapping.artists, mapping.title) != ([artist], title):
        # The same page in another spelling: the person's own is the one to show and send.
        mapping.artists, mapping.title = [artist], title
        mapping.save(update_fields=["artists", "title", "updated_at"])
    _accept(mapping, like, track)
    logger.info("mapping %s typed by user %s", mapping.pk, by.pk)
    return mapping


@transaction.atomic
def love_anyway(like: Like, by: AbstractBaseUser) -> ServiceMapping:
    """Last.fm does not know the track: love it under its own name, which creates the page there."""
    _, on_lastfm = _lock(like.track_id)
    if on_lastfm is None or on_lastfm.state != State.NOT_FOUND:
        raise NotPossible("only what Last.fm does not know can be loved anyway")
    track = on_lastfm.track
    if not track.artists:
        raise NotPossible("the track names no artist")
    return choose_name(track, track.artists[0], track.title, by)


@transaction.atomic
def exclude(like: Like, by: AbstractBaseUser) -> None:
    """The track is not on Last.fm, or not wanted there; a love that Narada sent is taken back."""
    track, on_lastfm = _lock(like.track_id)
    if on_lastfm is None:
        on_lastfm = _add_like(track)
    if on_lastfm.state == State.EXCLUDED:
        raise NotPossible("already set to “not wanted there”")
    if on_lastfm.state in TAKEN_BACK and not _is_liked(track):
        raise NotPossible("no longer liked in Narada")
    for mapping in ServiceMapping.objects.pages_of([track.pk]):
        _take_back(mapping, on_lastfm)
        mapping.save(update_fields=["withdraw", "updated_at"])
    mark_excluded(on_lastfm)
    logger.info("like %s excluded by user %s", on_lastfm.pk, by.pk)


@transaction.atomic
def reopen(like: Like, by: AbstractBaseUser) -> None:
    """Try again: the next export looks for the track anew, by the decisions that stand."""
    track, on_lastfm = _lock(like.track_id)
    if not _is_liked(track):
        raise NotPossible("no longer liked in Narada")
    if on_lastfm is None:
        on_lastfm = _add_like(track)
    if on_lastfm.state == State.PRESENT:
        raise NotPossible("already loved")
    if on_lastfm.state == State.SENDING:
        raise NotPossible("being sent now")
    standing = ServiceMapping.objects.pages_of([track.pk]).filter(withdraw=True)
    still_ours = bool(standing.update(withdraw=False)) or on_lastfm.state == State.REMOVING
    ask_to_love(on_lastfm, still_ours=still_ours)
    logger.info("like %s reopened by user %s", on_lastfm.pk, by.pk)


def find_best(like: Like) -> ServiceMapping:
    """Return the likeliest candidate of a case that waits, never one that the matcher calls another
    recording, that nobody listens to, or that is only spelled alike. Raises NotPossible; where two
    are equally likely, a person must look."""
    found = candidates(like.track_id)
    best = [mapping for mapping in found if _is_likely(mapping)][:2]
    if not found:
        raise NotPossible("there is no candidate")
    if not best:
        raise NotPossible("every candidate looks like another recording, or has no listeners")
    if ServiceMapping.objects.pages_of([like.track_id]).exists():
        raise NotPossible("it stands on a page already")
    if len(best) == 2 and best[0].score == best[1].score:
        raise NotPossible("two candidates are equally likely")
    return best[0]


def _is_likely(page: ServiceMapping) -> bool:
    spelled_alike = page.is_doubted_by("title-near") and page.rule != ServiceMapping.Rule.CORRECTED
    doubted = spelled_alike or page.is_doubted_by("nobody-listens")
    return page.verdict != "different" and not doubted


def accept_best(like: Like, by: AbstractBaseUser) -> ServiceMapping:
    """Accept the likeliest candidate, as ``find_best`` finds it, and return it."""
    best = find_best(like)
    accept(best, by)
    return best


def accept_best_of_many(likes: Iterable[Like], by: AbstractBaseUser) -> Outcome:
    """Accept the likeliest candidate of each like, so that all of it can be taken back as one."""
    batch = uuid.uuid4()

    def decide(like: Like, by: AbstractBaseUser) -> None:
        mapping = accept_best(like, by)
        BulkAcceptance.objects.create(
            user_id=like.user_id, batch=batch, mapping=mapping,
            was=like.state, was_because=like.last_error,
        )  # fmt: skip

    return decide_many(decide, likes, by)


def find_last_bulk(user: AbstractBaseUser) -> list[BulkAcceptance]:
    """Return what a user's likes were accepted for together last and can be taken back."""
    last = BulkAcceptance.objects.filter(user=user).order_by("-at", "-pk").first()
    if last is None:
        return []
    return list(BulkAcceptance.objects.filter(user=user, batch=last.batch).order_by("pk"))


def take_back_bulk(accepted: Iterable[BulkAcceptance], by: AbstractBaseUser) -> Outcome:
    """Take back what was accepted together: each case waits as before, and a love that Narada has
    sent for it since is taken back."""
    return decide_many(_take_back_acceptance, accepted, by)


@transaction.atomic
def _take_back_acceptance(accepted: BulkAcceptance, by: AbstractBaseUser) -> None:
    _, like = _lock(accepted.mapping.track_id)
    mapping = _locked(accepted.mapping)
    accepted.delete()
    if (mapping.decision, mapping.decided_by) != (Decision.ACCEPTED, DecidedBy.PERSON):
        raise NotPossible("decided otherwise since")
    if like is None or like.state in CLOSED:
        raise NotPossible("no longer to be loved")
    _take_back(mapping, like)
    mapping.decision, mapping.decided_by = Decision.CANDIDATE, DecidedBy.RULE
    mapping.save(update_fields=["decision", "decided_by", "withdraw", "updated_at"])
    ask_person(like, State(accepted.was), accepted.was_because)
    logger.info("acceptance of mapping %s taken back by user %s", mapping.pk, by.pk)


@transaction.atomic
def reject_all(like: Like, by: AbstractBaseUser) -> None:
    """None of the candidates is the track."""
    found = list(candidates(like.track_id))
    if not found:
        raise NotPossible("there is no candidate")
    for mapping in found:
        reject(mapping, by)


def candidates(track_id: int) -> list[ServiceMapping]:
    """The Last.fm pages that may be the track, the likeliest first."""
    pages = ServiceMapping.objects.on(Service.LASTFM).filter(track=track_id)
    likeliest_first = F("score").desc(nulls_last=True)
    return list(pages.filter(decision=Decision.CANDIDATE).order_by(likeliest_first, "pk"))


def _lock(track_id: int) -> tuple[Track, Like | None]:
    """Lock and return the track and its like on Last.fm: export waits, or has finished."""
    track = Track.objects.select_for_update().get(pk=track_id)
    like = Like.objects.on(Service.LASTFM).filter(track=track).select_for_update().first()
    return track, like


def _locked(mapping: ServiceMapping) -> ServiceMapping:
    """Read a mapping again, as it is now."""
    if mapping.service != Service.LASTFM:
        raise NotPossible("only a Last.fm page can be decided on")
    return ServiceMapping.objects.select_for_update().get(pk=mapping.pk)


def _is_liked(track: Track) -> bool:
    """Whether it is liked in Narada; a local file is, though Spotify cannot name it."""
    likes = Like.objects.on(Service.NARADA).filter(track=track)
    return likes.filter(state__in=LIKED).exists()


def _accept(mapping: ServiceMapping, like: Like | None, track: Track) -> None:
    was_accepted = mapping.decision == Decision.ACCEPTED
    for former in ServiceMapping.objects.pages_of([track.pk]).exclude(pk=mapping.pk):
        _take_back(former, like)
        former.decision, former.decided_by = Decision.CANDIDATE, DecidedBy.RULE
        former.save(update_fields=["decision", "decided_by", "withdraw", "updated_at"])
    mapping.decision, mapping.decided_by = Decision.ACCEPTED, DecidedBy.PERSON
    is_liked, still_ours = _is_liked(track), mapping.withdraw
    if is_liked:
        mapping.withdraw = False
    mapping.save(update_fields=["decision", "decided_by", "withdraw", "updated_at"])
    if not is_liked:
        if like is not None and like.state == State.REMOVING and not was_accepted:
            # The love under the former name is taken back with that; under this one is none.
            mark_taken_back(Like.objects.filter(pk=like.pk))
        return
    if like is None:
        _add_like(track)
    elif not (was_accepted and like.state in SENT):
        still_ours |= was_accepted and like.state == State.REMOVING
        ask_to_love(like, still_ours=still_ours)


def _take_back(mapping: ServiceMapping, like: Like | None) -> None:
    """Have a love under this name taken back, if Narada sent it and no other track stands on it."""
    if like is None or like.state not in (*SENT, State.REMOVING):
        return
    if like.state == State.PRESENT and like.sent_at is None:
        return
    others = ServiceMapping.objects.pages().keyed([mapping.key])
    mapping.withdraw = not (
        others.filter(user=mapping.user_id)
        .whose_like_is(*STANDING)
        .exclude(track=mapping.track_id)
        .exists()
    )


def _settle_without_page(like: Like) -> None:
    """The page a like stood on is gone: what else may it be?"""
    state = State.REVIEW if candidates(like.track_id) else State.NOT_FOUND
    reason = like.last_error if state == State.REVIEW else ""
    ask_person(like, state, reason or "A person said that the page chosen was not this track.")


def _add_like(track: Track) -> Like:
    """Begin a like on Last.fm that did not exist, as that of a local file, since the same day."""
    liked = Like.objects.on(Service.NARADA).get(track=track)
    return add_on_lastfm(liked)
