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

    def list_of_kind(
        self, runs: Iterable[Run], what: str, after: int, most: int
    ) -> list[tuple[int, int]]:
        """Return the next changes of a kind after the one of that number, at most so many, each
        with its track, oldest first.

        Run by run, between its first change of the kind and its last. PostgreSQL takes a run's
        changes to be spread over the whole table, and would walk that until it meets the first.
        """
        # As a range, so that no other index than ``change_by_run`` is in this order.
        of_kind = self.filter(run=models.OuterRef("pk"), what__gte=what, what__lte=what)
        asked = (
            Run.objects.filter(pk__in=[run.pk for run in runs])
            .order_by("pk")
            .annotate(
                first=models.Subquery(of_kind.order_by("what", "pk").values("pk")[:1]),
                last=models.Subquery(of_kind.order_by("-what", "-pk").values("pk")[:1]),
            )
        )
        found: list[tuple[int, int]] = []
        for run, first, last in asked.filter(last__gt=after).values_list("pk", "first", "last"):
            rows = self.filter(run=run, what=what, pk__gt=max(after, first - 1), pk__lte=last)
            pairs = rows.order_by("pk").values_list("pk", "like__track")
            found += pairs[: most - len(found)]
            if len(found) == most:
                break
        return found


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

    # The index below begins with the run.
    run = models.ForeignKey(Run, models.CASCADE, related_name="changes", db_index=False)
    like = models.ForeignKey(Like, models.CASCADE, related_name="changes")
    what = models.CharField(max_length=8, choices=What.choices)
    was = models.CharField(
        max_length=16, choices=Like.State.choices, blank=True, help_text="The state before."
    )
    at = models.DateTimeField(default=timezone.now)

    objects = RunChangeQuerySet.as_manager()

    class Meta:
        indexes = [
            # The page of a run: its changes of a kind, some at a time.
            models.Index(fields=["run", "what", "id"], name="change_by_run"),
        ]

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
