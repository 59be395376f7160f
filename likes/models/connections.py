"""Connections to services, and what a user and the deployment decide about syncing."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from likes.models.music import Service

#: A connection that was refused once is tried once more, when the user is next due: Spotify's
#: outages have produced false refusals (metabrainz/listenbrainz-server, pull request 1921).
TRIES_AFTER_REFUSAL = 1


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def standing(self) -> Self:
        """Those that the user has not ended, also where the service refuses them."""
        return self.exclude(state=Connection.State.DISCONNECTED)

    def usable(self) -> Self:
        """Those that a sync may use unasked."""
        tried_once = Q(state=Connection.State.RECONNECT, refusals__lte=TRIES_AFTER_REFUSAL)
        return self.filter(Q(state=Connection.State.CONNECTED) | tried_once)


class Connection(models.Model):
    """What Narada knows of a user's connection beyond allauth's account and token rows.

    Kept after a disconnect, until what came from the service is purged.
    """

    class State(models.TextChoices):
        CONNECTED = "connected", "connected"
        RECONNECT = "reconnect", "needs to be connected again"
        DISCONNECTED = "disconnected", "disconnected"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="connections")
    service = models.CharField(max_length=16, choices=Service.choices)
    account = models.OneToOneField(
        "socialaccount.SocialAccount", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.CONNECTED)
    reason = models.TextField(blank=True, help_text="Why it has to be connected again.")
    refusals = models.PositiveSmallIntegerField(
        default=0, help_text="How often in a row the service refused, counted once in a while."
    )
    refused_at = models.DateTimeField(
        null=True, blank=True, help_text="When a refusal was last counted."
    )
    scopes = models.CharField(max_length=255, blank=True)
    authorized_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the user consented; Spotify's consent ends 6 months on.",
    )
    refreshing_until = models.DateTimeField(
        null=True, blank=True, help_text="A process is refreshing the token, until then at most."
    )
    purge_at = models.DateTimeField(null=True, blank=True)

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "service"], name="connection_once"),
        ]
        indexes = [
            # Beat: what is to be purged now?
            models.Index(
                fields=["purge_at"],
                condition=Q(purge_at__isnull=False),
                name="connection_to_purge",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} on {self.get_service_display()}: {self.get_state_display()}"

    @property
    def is_standing(self) -> bool:
        """Whether the user has not ended it."""
        return self.state != self.State.DISCONNECTED


class ServiceHold(models.Model):
    """The whole deployment holds back from a service until then, and why."""

    service = models.CharField(max_length=16, choices=Service.choices, primary_key=True)
    held_until = models.DateTimeField(null=True, blank=True)
    closed = models.BooleanField(
        default=False, help_text="Nobody gets through until an operator has acted."
    )
    reason = models.TextField(blank=True)
    times = models.PositiveSmallIntegerField(
        default=0, help_text="How often in a row, without an answer in between."
    )
    updated_at = models.DateTimeField(auto_now=True)

    #: What the codes that are kept as reasons mean.
    MEANING = {
        "29": "too many requests in a short time",
        "429": "too many requests in a short time",
        "QUOTA_EXCEEDED": "the quota of the Spotify developer account is used up",
    }

    def __str__(self) -> str:
        if self.closed:
            return f"{self.get_service_display()}: closed ({self.reason})"
        return f"{self.get_service_display()}: held back until {self.held_until:%Y-%m-%d %H:%M} UTC"

    @property
    def told_reason(self) -> str:
        return self.MEANING.get(self.reason, self.reason)


class SyncSettings(models.Model):
    """What a user decides about their own syncing, and when they are next due."""

    class Unlike(models.TextChoices):
        KEEP = "keep", "keep the like in Narada and on Last.fm"
        FOLLOW = "follow", "remove it in Narada, and on Last.fm what Narada loved"

    class Unknown(models.TextChoices):
        ASK = "ask", "ask me"
        LOVE = "love", "love it all the same, which creates its page on Last.fm"

    class Step(models.TextChoices):
        IDLE = "", "nothing to do"
        IMPORT = "import", "import from Spotify"
        EXPORT = "export", "export to Last.fm"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="sync_settings"
    )
    enabled = models.BooleanField("sync by itself", default=True)
    on_unlike = models.CharField(
        "when I unlike on Spotify", max_length=8, choices=Unlike.choices, default=Unlike.KEEP
    )
    on_unknown = models.CharField(
        "when Last.fm does not know a track",
        max_length=8,
        choices=Unknown.choices,
        default=Unknown.ASK,
        db_default=Unknown.ASK,
    )
    next_sync_at = models.DateTimeField(null=True, blank=True, help_text="Not before.")
    step = models.CharField(
        max_length=8,
        choices=Step.choices,
        default=Step.IDLE,
        db_default=Step.IDLE,
        blank=True,
        help_text="The next slice of a sync that waits or runs.",
    )
    asked_by = models.CharField(max_length=16, blank=True, db_default="")
    waits_since = models.DateTimeField(
        null=True, blank=True, help_text="The place in the line of those who wait for a worker."
    )
    taken_by = models.CharField(
        max_length=64, blank=True, db_default="", help_text="The worker that does the next slice."
    )
    taken_until = models.DateTimeField(
        null=True, blank=True, help_text="When another worker may take over."
    )
    leaving_since = models.DateTimeField(
        null=True, blank=True, help_text="When the deletion of the user began."
    )

    class Meta:
        verbose_name_plural = "sync settings"
        indexes = [
            # Beat: who is due?
            models.Index(fields=["enabled", "next_sync_at"], name="settings_due"),
            # A worker: who has waited longest?
            models.Index(fields=["waits_since"], condition=~Q(step=""), name="settings_waiting"),
            # Beat: whose deletion was cut off?
            models.Index(
                fields=["leaving_since"],
                condition=Q(leaving_since__isnull=False),
                name="settings_leaving",
            ),
        ]

    def __str__(self) -> str:
        return f"sync settings of {self.user}"
