"""What was read of the services' own lists, how far, and when."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F
from django.utils import timezone


class ListedTrack(models.Model):
    """A row of a user's own lists on Last.fm, as last read: loved tracks, and scrobbled spellings.

    ``key`` is ``matching.name_key`` of the names; ``seen`` is the reading that last showed it.
    """

    class Listing(models.TextChoices):
        LOVED = "loved", "loved tracks"
        LIBRARY = "library", "scrobbled tracks"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="listed")
    listing = models.CharField(max_length=8, choices=Listing.choices)
    key = models.CharField(max_length=64)
    artist = models.TextField()
    title = models.TextField()
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    playcount = models.PositiveIntegerField(default=0)
    loved_at = models.DateTimeField(null=True, blank=True)
    seen = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "listing", "key"], name="listed_once"),
        ]
        indexes = [
            # The loved list newest first; what a full reading did not show again.
            models.Index(fields=["user", "listing", "seen"], name="listed_by_reading"),
        ]

    def __str__(self) -> str:
        return f"{self.artist} – {self.title}"


class ListedTrackKey(models.Model):
    """A blocking key of a ListedTrack (matching.index)."""

    # The two indexes below begin with these, so each would only be written twice.
    listed = models.ForeignKey(ListedTrack, models.CASCADE, related_name="keys", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["listed", "key"], name="listedkey_once"),
        ]
        indexes = [
            # Export asks: which names that this user loves or scrobbles may be this track?
            models.Index(fields=["user", "key"], name="listedkey_lookup"),
        ]

    def __str__(self) -> str:
        return self.key


class Checkpoint(models.Model):
    """How far a listing was read, and who is reading it now.

    ``position`` and ``anchor`` say where an unfinished walk of Spotify's list stood: how many rows
    from the head are known without a gap, and the key of the last of them. ``head`` and
    ``head_anchor`` say the same of newer rows that a later run began to read and did not join to
    those. A position is only ever a hint; the anchor has to be found there again.
    """

    class Listing(models.TextChoices):
        SAVED = "saved", "Spotify's liked songs"
        LOVED = "loved", "Last.fm's loved tracks"
        LIBRARY = "library", "Last.fm's scrobbled tracks"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="checkpoints")
    listing = models.CharField(max_length=8, choices=Listing.choices)
    position = models.PositiveIntegerField(default=0)
    anchor = models.CharField(max_length=64, blank=True)
    head = models.PositiveIntegerField(default=0)
    head_anchor = models.CharField(max_length=64, blank=True)
    complete = models.BooleanField(
        default=False, help_text="Whether the whole list has been read at least once."
    )
    whole_read_at = models.DateTimeField(
        null=True, blank=True, help_text="When the end of the whole list was last reached."
    )
    total = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many rows the service said there are."
    )
    unexplained = models.IntegerField(
        default=0,
        help_text="How many of the total the last whole reading did not show as rows of their own.",
    )
    lacking = models.PositiveIntegerField(
        default=0, help_text="How many rows of its total the service was seen not to show."
    )
    removals_asked = models.PositiveIntegerField(
        default=0, help_text="So many rows are gone at once that a person is asked about them."
    )
    removals_agreed = models.PositiveIntegerField(
        default=0, help_text="How many a person said are gone indeed, until a run has noted it."
    )
    keyed_by = models.CharField(
        max_length=32,
        blank=True,
        db_default="",
        help_text="The rules by which the keys were made (of Spotify's liked songs: those of the "
        "tracks); empty where they may differ.",
    )
    unsettled = models.PositiveIntegerField(
        default=1,
        db_default=1,
        help_text="How many times the list, or what a person ruled out, changed since all likes "
        "that it may concern were held against it.",
    )
    reading = models.PositiveIntegerField(default=0, help_text="The number of the last reading.")
    reading_since = models.DateTimeField(
        null=True, blank=True, help_text="When this reading of Spotify's list began at its head."
    )
    stood_still = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether Spotify's list has shown no change since this reading began.",
    )
    unfinished = models.JSONField(
        null=True, blank=True, help_text="What a reading that was cut off has found so far."
    )
    read_at = models.DateTimeField(null=True, blank=True)
    lease_holder = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "listing"], name="checkpoint_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_listing_display()} of {self.user}"


class Run(models.Model):
    """One run of a command, task or button, with its counts: the history."""

    class Kind(models.TextChoices):
        IMPORT = "import", "import from Spotify"
        FILE = "file", "import of a file"
        EXPORT = "export", "export to Last.fm"
        VERIFY = "verify", "verification"
        UNDO = "undo", "undo"

    class State(models.TextChoices):
        RUNNING = "running", "running"
        DONE = "done", "done"
        LATER = "later", "to go on later"
        STOPPED = "stopped", "needs a person"
        FAILED = "failed", "failed"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    started_by = models.CharField(max_length=16, default="command")
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    counts = models.JSONField(default=dict, blank=True)
    message = models.TextField(blank=True)

    class Meta:
        indexes = [
            # The pages show a user's last runs.
            models.Index(fields=["user", "-started_at"], name="run_by_user"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.started_at:%Y-%m-%d %H:%M}"


def note_change(user_id: int, listing: ListedTrack.Listing = ListedTrack.Listing.LOVED) -> None:
    """Note, in the transaction that changes it, that likes are to be held against a list again."""
    rows = Checkpoint.objects.filter(user=user_id, listing=listing)
    rows.update(unsettled=F("unsettled") + 1)
