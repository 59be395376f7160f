"""What each run changed, and what a person accepted in bulk, so that it can be taken back."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db import models
from django.utils import timezone

from likes.models.listings import Run
from likes.models.music import Like, ServiceMapping


class RunChangeQuerySet(models.QuerySet["RunChange"]):
    def record(self, run: Run | None, what: str, rows: Iterable[tuple[int, str]]) -> None:
        """Note what a run does to likes, in the transaction that does it.

        ``rows`` are ids of likes, each with the state it had before ("" for a new one). Without a
        run, as in a plan that is rolled back, nothing is noted.
        """
        if run is not None:
            at = timezone.now()
            self.bulk_create(
                RunChange(run=run, like_id=pk, what=what, was=was, at=at) for pk, was in rows
            )


class RunChange(models.Model):
    """One thing that a run did to one like.

    ``added`` and ``removed`` are about rows of Narada, ``loved`` and ``unloved`` about rows of
    Last.fm. A love is noted when it is about to be sent; what was then not sent is noted no more.
    """

    class What(models.TextChoices):
        ADDED = "added", "added to Narada"
        REMOVED = "removed", "removed in Narada"
        LOVED = "loved", "loved on Last.fm"
        UNLOVED = "unloved", "no longer to be loved on Last.fm"

    run = models.ForeignKey(Run, models.CASCADE, related_name="changes")
    like = models.ForeignKey(Like, models.CASCADE, related_name="changes")
    what = models.CharField(max_length=8, choices=What.choices)
    was = models.CharField(
        max_length=16, choices=Like.State.choices, blank=True, help_text="The state before."
    )
    at = models.DateTimeField(default=timezone.now)

    objects = RunChangeQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.like.track}: {self.get_what_display()}"


class BulkAcceptance(models.Model):
    """One page that was accepted together with others, and how its like stood before."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="bulk_acceptances"
    )
    batch = models.UUIDField()
    mapping = models.ForeignKey(ServiceMapping, models.CASCADE, related_name="bulk_acceptances")
    was = models.CharField(max_length=16, choices=Like.State.choices)
    was_because = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            # The review page: what did this user accept together last?
            models.Index(fields=["user", "-at"], name="bulk_acceptance_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.mapping}, accepted with others"
