"""Tracks, likes and mappings: what is stored of a user's music.

A Track belongs to one user: two people who like the same song have a row each, so that neither
a merge, a correction, a purge nor a deletion of one can touch the other's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Self, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from likes.models.folding import fold_names

T = TypeVar("T", bound=models.Model)


class Service(models.TextChoices):
    NARADA = "narada", "Narada"
    SPOTIFY = "spotify", "Spotify"
    LASTFM = "lastfm", "Last.fm"


class Source(models.TextChoices):
    """Where a fact came from: what an API told is purged after a disconnect, the rest stays."""

    API = "api", "the service's API"
    FILE = "file", "a file the user gave"
    PERSON = "person", "a person"


class SearchText(models.TextField):  # type: ignore[type-arg]
    """The names of a track as ``fold_names`` gives them, whenever the track is written."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        text = fold_names(model_instance)
        setattr(model_instance, self.attname, text)
        return text


class Track(models.Model):
    """Our description of one recording, as first met: one performance or mix as sound."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tracks")
    title = models.TextField()
    artists = models.JSONField(default=list, help_text="The artist credit: a list, in order.")
    album = models.TextField(blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    isrc = models.CharField("ISRC", max_length=12, blank=True)
    explicit = models.BooleanField(null=True, blank=True)
    search_text = SearchText(editable=False, db_default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            # The admin and the pages list a user's tracks, newest first.
            models.Index(fields=["user", "-id"], name="track_by_user"),
        ]

    def __str__(self) -> str:
        name = f"{', '.join(self.artists) or '(no artist)'} – {self.title or '(no title)'}"
        return " ".join(name.split())


class TrackKey(models.Model):
    """A key of a Track: what may be the same recording shares one (``likes.importing.merging``)."""

    # The two indexes below begin with these, so each would only be written twice.
    track = models.ForeignKey(Track, models.CASCADE, related_name="keys", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["track", "key"], name="trackkey_once"),
        ]
        indexes = [
            # Import asks: which of this user's tracks may be one of these new ones?
            models.Index(fields=["user", "key"], name="trackkey_lookup"),
        ]

    def __str__(self) -> str:
        return self.key


#: A like whose call failed in this many runs is no longer tried before the others.
STUCK_AFTER = 3


class Tried(models.Model):
    """A row for which a service is called, perhaps several times in vain."""

    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    failing_since = models.DateTimeField(
        null=True, blank=True, help_text="When the first of the tries failed that failed in a row."
    )
    next_attempt_at = models.DateTimeField(null=True, blank=True, help_text="Not before.")
    last_error = models.TextField(blank=True, db_default="")

    class Meta:
        abstract = True


class TriedQuerySet(models.QuerySet[T]):
    def of(self, user: models.Model) -> Self:
        return self.filter(user=user)

    def on(self, service: str) -> Self:
        return self.filter(service=service)

    def due(self, now: datetime | None = None) -> Self:
        now = now or timezone.now()
        return self.filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=now))


class LikeQuerySet(TriedQuerySet["Like"]):
    def take_oldest(self, count: int) -> list[Like]:
        """Return the ``count`` oldest, but behind all others those that have stopped several runs:
        a like that the service always stumbles over must not keep the rest from being sent.

        Each query reads an index in its order and stops at ``count``: sorted as a whole, all that
        is pending would be read for every batch.
        """
        willing = self.filter(attempts__lt=STUCK_AFTER)
        undated = willing.filter(liked_at=None).order_by("-id")
        dated = willing.filter(liked_at__isnull=False).order_by("liked_at", "-id")
        stuck = self.filter(attempts__gte=STUCK_AFTER).oldest_first()
        taken: list[Like] = []
        for part in (undated, dated, stuck):
            if len(taken) < count:
                taken += part[: count - len(taken)]
        return taken

    def oldest_first(self) -> Self:
        """In the order of liking. Spotify lists newest first and many likes share a second, so
        among equals the row stored last is the oldest; so is one without a date."""
        return self.order_by(F("liked_at").asc(nulls_first=True), "-id")

    def without_page(self) -> Self:
        """Those whose track has no accepted Last.fm page."""
        pages = ServiceMapping.objects.pages()
        return self.filter(~Exists(pages.filter(track=OuterRef("track"))))


class Like(Tried):
    """This user likes this Track on this service; ``service`` narada is the truth.

    The rows of ``spotify`` and ``lastfm`` say what is known there and what is still to do.
    """

    class State(models.TextChoices):
        PRESENT = "present", "there"
        PENDING = "pending", "to be sent"
        SENDING = "sending", "being sent"
        REVIEW = "review", "needs review"
        NOT_FOUND = "not_found", "not found there"
        FAILED = "failed", "refused there"
        EXCLUDED = "excluded", "not wanted there"
        UNAVAILABLE = "unavailable", "unavailable"
        REMOVING = "removing", "to be taken back"
        REMOVED = "removed", "no longer there"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="likes")
    track = models.ForeignKey(Track, models.CASCADE, related_name="likes")
    service = models.CharField(max_length=16, choices=Service.choices)
    state = models.CharField(max_length=16, choices=State.choices)
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.API)
    liked_at = models.DateTimeField(
        null=True, blank=True, help_text="When the user liked it; empty where nobody knows."
    )
    sent_at = models.DateTimeField(
        null=True, blank=True, help_text="When Narada itself sent it; empty for what was adopted."
    )
    confirmed_at = models.DateTimeField(
        null=True, blank=True, help_text="When the service last showed it in its own list."
    )
    removed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = LikeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "track", "service"], name="like_once_per_service"
            ),
            models.CheckConstraint(
                condition=Q(service__in=Service.values), name="like_service_known"
            ),
        ]
        indexes = [
            # Export: this user's rows for a service in a state, oldest like first; also counts. The
            # pages ask which tracks these are, when they look for words.
            models.Index(
                fields=["user", "service", "state", "liked_at", "-id", "track"],
                name="like_by_state",
            ),
            # Export: which loves has Last.fm's list not shown yet?
            models.Index(
                fields=["user", "service", "state"],
                condition=Q(service="lastfm", state="present", confirmed_at=None),
                name="like_unconfirmed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.track} on {self.get_service_display()}: {self.get_state_display()}"


class MappingQuerySet(TriedQuerySet["ServiceMapping"]):
    def accepted(self) -> Self:
        return self.filter(decision=ServiceMapping.Decision.ACCEPTED)

    def keyed(self, keys: Iterable[str]) -> Self:
        return self.filter(key__in=list(keys))

    def pages(self) -> Self:
        """Return the accepted Last.fm pages; a track has one at most."""
        return self.on(Service.LASTFM).accepted()

    def whose_like_is(self, *states: str) -> Self:
        """Those of tracks whose like on Last.fm is in one of the states."""
        return self.filter(
            track__likes__service=Service.LASTFM, track__likes__state__in=list(states)
        )

    def pages_of(self, tracks: Iterable[int]) -> Self:
        """Return the accepted Last.fm pages of tracks, of which each has one at most.

        A track belongs to one user, who is not named again: SQLite would then read all rows of
        that user instead of those of the tracks.
        """
        return self.pages().filter(track__in=tracks)


class ServiceMapping(Tried):
    """This Track is (or may be, or is not) that item on that service: how found, how sure, by whom.

    On Spotify an item is an id; on Last.fm a pair of names. The description is kept as the service
    gave it. ``key`` identifies the item: the Spotify id, or the form of the names under which
    Last.fm knows no difference (``matching.name_key``).
    """

    class Decision(models.TextChoices):
        ACCEPTED = "accepted", "is it"
        CANDIDATE = "candidate", "may be it"
        REJECTED = "rejected", "is not it"

    class DecidedBy(models.TextChoices):
        RULE = "rule", "a rule"
        PERSON = "person", "a person"

    class Rule(models.TextChoices):
        LISTED = "listed", "liked there"
        MERGED = "merged", "the same recording under another id"
        LOVED = "loved", "already loved under this name"
        SCROBBLED = "scrobbled", "the spelling this user scrobbles"
        CORRECTED = "corrected", "Last.fm's own correction"
        SAME_NAME = "same_name", "the name as on Spotify"
        PLAIN_NAME = "plain_name", "the title without its notes"
        UNKNOWN = "unknown", "loved though Last.fm does not know it"
        PERSON = "person", "a person's choice"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="mappings")
    track = models.ForeignKey(Track, models.CASCADE, related_name="mappings")
    service = models.CharField(max_length=16, choices=Service.choices)
    key = models.CharField(max_length=64)
    service_id = models.CharField(max_length=64, blank=True)
    title = models.TextField(blank=True)
    artists = models.JSONField(default=list, blank=True)
    album = models.TextField(blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    isrc = models.CharField("ISRC", max_length=12, blank=True)
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.API)
    decision = models.CharField(max_length=12, choices=Decision.choices)
    decided_by = models.CharField(max_length=8, choices=DecidedBy.choices, default=DecidedBy.RULE)
    rule = models.CharField("how found", max_length=16, choices=Rule.choices)
    score = models.FloatField(null=True, blank=True)
    evidence = models.JSONField(default=list, blank=True)
    liked_at = models.DateTimeField(null=True, blank=True)
    listed = models.BooleanField(
        default=False, help_text="Whether the service's own list of likes shows it."
    )
    seen = models.PositiveIntegerField(
        default=0, db_default=0, help_text="The reading of the list that last showed it."
    )
    withdraw = models.BooleanField(
        default=False,
        help_text="Narada loved it under this name, and is to take that back.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = MappingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["track", "service", "key"], name="mapping_once_per_track"
            ),
            # A Spotify id is one recording for a user; a Last.fm page may serve several tracks.
            models.UniqueConstraint(
                fields=["user", "key"],
                condition=Q(service="spotify"),
                name="mapping_spotify_id_once",
            ),
            models.UniqueConstraint(
                fields=["track"],
                condition=Q(service="lastfm", decision="accepted"),
                name="mapping_one_lastfm_page",
            ),
        ]
        indexes = [
            # Import: which of these ids are known? Export: who else has this page?
            models.Index(fields=["user", "service", "key"], name="mapping_lookup"),
            # Import: how many rows of Spotify's list do we hold?
            models.Index(
                fields=["user", "service"], condition=Q(listed=True), name="mapping_listed"
            ),
            # Export: which loves of ours are to be taken back?
            models.Index(
                fields=["user", "service"], condition=Q(withdraw=True), name="mapping_withdraw"
            ),
            # Import: which rows of files have no id yet, that the list may give them one?
            models.Index(
                fields=["user", "service"],
                condition=Q(service_id=""),
                name="mapping_without_id",
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{', '.join(self.artists)} – {self.title} on {self.get_service_display()} "
            f"({self.get_decision_display()})"
        )

    def is_doubted_by(self, rule: str) -> bool:
        """Tell whether this rule made the matcher doubt that the item is the track."""
        return any(p.get("rule") == rule and p.get("kind") == "doubt" for p in self.evidence)

    @property
    def verdict(self) -> str:
        """What the matcher says of the item: "match", "review", "different"; "" where it was never
        asked. Pages show it instead of the score: on hard pairs a score misleads."""
        kinds = {piece.get("kind") for piece in self.evidence}
        if not kinds:
            return ""
        grave = (kind for kind in ("differs", "doubt") if kind in kinds)
        return {"differs": "different", "doubt": "review"}.get(next(grave, ""), "match")
