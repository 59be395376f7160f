"""One export of a user's likes to Last.fm while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from connectors.errors import ConnectorError, RequestRejected
from connectors.lastfm import LastfmConnector
from likes.exporting import adopting
from likes.exporting.failing import Failing
from likes.exporting.in_flight import IN_FLIGHT, Line, Outcome, Sent, first_stop, is_own_failure
from likes.exporting.loving import Loving, take_back
from likes.exporting.own_lists import (
    News,
    Reading,
    has_library_begun,
    is_library_due,
    read_library,
    read_loved,
)
from likes.exporting.page_choice import (
    PageChoice,
    find_doubts,
    find_refused,
    keep_spelling,
    store_choices,
)
from likes.exporting.page_lookup import look_up
from likes.exporting.settling import (
    adopt_loved_pages,
    find_touched,
    leave_taken_back,
    settle_by_loved_list,
)
from likes.like_operations import OPEN, TO_SEND, leave_open, look_again
from likes.models import (
    Checkpoint,
    Like,
    LikeQuerySet,
    ListedTrack,
    Run,
    RunChange,
    Service,
    ServiceMapping,
)
from likes.models.batches import chunked
from likes.runs.leases import save_checkpoint
from likes.runs.removal_questions import ask_about_loves, close_question, may_remove
from likes.runs.summaries import NEEDS_A_PERSON, ExportSummary, Progress, SliceDone, TimeIsUp

State = Like.State
Listing = ListedTrack.Listing

#: How many tracks are held against the lists at once.
CHUNK = 500
#: How many loves are under way, and as many likes in line for them, while more are made ready: at
#: 4 a second three seconds'.
AHEAD = 2 * IN_FLIGHT
#: Names that are found within this (s) are written together.
GATHERED_WITHIN = 0.5


@dataclass
class Export:
    """Reads the loved list, adopts, chooses pages, loves oldest first, reads the list again."""

    user: User
    connector: LastfmConnector
    checkpoint: Checkpoint
    summary: ExportSummary
    noted_as: Run | None = None
    batch_size: int = 20
    limit: int | None = None
    accept_removals: bool = False
    time_is_up: TimeIsUp = lambda: False
    must_end: TimeIsUp = lambda: False
    progress: Progress = lambda done, total, text: None
    sent: list[int] = field(default_factory=list)
    total: int = 0
    shown: int = 0
    #: What changed of the user's lists in this run, and whether more had changed before it.
    news: News = field(default_factory=News)
    whole: bool = True
    #: Whether likes that are gone from the loved list wait for a person's word.
    left: bool = False
    refused: set[tuple[int, str]] = field(default_factory=set)
    doubts: dict[int, list[ServiceMapping]] = field(default_factory=dict)
    failing: Failing = field(default_factory=Failing)
    all_plays_known: bool = False

    def run(self) -> None:
        """Send what is pending; whatever stops this is raised after the counts are complete."""
        summary = self.summary
        try:
            try:
                self._take_steps()
            except SliceDone:
                summary.more = True
            self.failing.judge()
            summary.failed += self.failing.give_up()
            self._say(self.failing.tell())
        except ConnectorError:
            self.failing.forgive()
            raise
        finally:
            summary.confirmed = self.shown + self._count_confirmed()
            # Counted anew: an import that runs meanwhile adds to what is pending.
            summary.remaining = self._pending().count()
            summary.candidates = summary.settled + summary.remaining
            self._say(self.news.tell_unreadable())

    def _take_steps(self) -> None:
        self.whole = self._list_unsettled() != {Listing.LOVED: 0, Listing.LIBRARY: 0}
        self.total = self._settle_by_list() + self._pending().count()
        if gone := self.checkpoint.removals_asked:
            self.summary.exit_code = NEEDS_A_PERSON
            self.summary.message = ask_about_loves(self.user, gone)
        failing = self.failing
        stop = take_back(
            self.connector, self.user, failing, self.news, self.time_is_up, self.must_end
        )
        if stop is not None and not is_own_failure(stop):
            raise stop
        self._adopt()
        self._love_all()
        if stop is not None and failing.is_unproved("love"):
            raise stop
        if self.sent and not self.summary.more:
            self._settle_by_list()
            self._settle_open()

    @cached_property
    def spellings(self) -> dict[str, str]:
        return adopting.find_spellings(self.user)

    @cached_property
    def loves_unknown(self) -> bool:
        return adopting.loves_unknown(self.user)

    def _say(self, text: str) -> None:
        self.summary.message = " ".join(filter(None, [self.summary.message, text]))

    def _settle_by_list(self) -> int:
        """Read the loved list and settle by it what it says something new of."""
        reading = read_loved(self.user, self.connector, self.news, self.time_is_up)
        may_remove = {Reading.WHOLE: self._may_remove, Reading.LACKING: self._was_told_of}
        tracks = None if self.whole else find_touched(self.user, self.news.pages)
        adopted, self.left = settle_by_loved_list(self.user, may_remove.get(reading), tracks)
        self._note_adopted(adopted)
        return adopted

    def _list_unsettled(self) -> dict[str, int]:
        rows = Checkpoint.objects.filter(user=self.user, listing__in=Listing.values)
        return dict(rows.values_list("listing", "unsettled"))

    def _may_remove(self, gone: int, loved: int) -> bool:
        allowed = may_remove(self.checkpoint, gone, loved, accept=self.accept_removals)
        if allowed:
            close_question(self.checkpoint)
        return allowed

    def _was_told_of(self, gone: int, loved: int) -> bool:
        """Of a list that always lacks a few rows, only a person's word removes any."""
        told = self.accept_removals or gone <= self.checkpoint.removals_agreed
        if told:
            close_question(self.checkpoint)
        elif self.checkpoint.removals_asked:
            # What is lacking counts as gone, too, so the question is about a few more.
            save_checkpoint(self.checkpoint, removals_asked=gone)
        return told

    def _note_adopted(self, adopted: int) -> None:
        self.summary.already_loved += adopted
        self.shown += adopted

    def _pending(self) -> LikeQuerySet:
        return Like.objects.of(self.user).on(Service.LASTFM).filter(state__in=TO_SEND)

    def _adopt(self) -> None:
        """Find among what the user loves and scrobbles whatever settles a page without a call."""
        due = is_library_due(self.user)
        waiting = self._pending()
        # Of many names those that are loved already do not decide on a call.
        begins = due and not has_library_begun(self.user)
        few = begins and waiting.without_page()[: CHUNK + 1].count() <= CHUNK
        if few or self.limit is not None:
            # Under a limit not all come to their turn.
            for tracks in adopting.list_unsettled(waiting):
                self._adopt_chosen(adopting.choose_pages(self.user, Listing.LOVED, tracks))
        try:
            if due:
                names = adopting.name_unsettled(waiting)
                read_library(
                    self.user, self.connector, names, self.limit, self.news, self.time_is_up
                )
        except RequestRejected as error:
            # A compatible server may lack this list, and what it saves is calls, not likes.
            self.summary.message = self.summary.message or (
                f"What the user scrobbles could not be read, so names were looked up: {error}"
            )
        self.all_plays_known = not is_library_due(self.user)
        self._settle_open()
        if self.loves_unknown:
            adopting.love_unknown(self.user)

    def _settle_open(self) -> None:
        """Hold what waits for a person against the user's lists, where they have news of it: what
        no look-up found may have been loved or scrobbled since."""
        unsettled = self._list_unsettled()
        open_likes = Like.objects.of(self.user).on(Service.LASTFM).filter(state__in=OPEN)
        concerned = (
            open_likes
            if self.whole
            else open_likes.filter(track__in=adopting.find_concerned(self.user, self.news.keys))
        )
        for tracks in adopting.list_unsettled(concerned):
            chosen = adopting.choose_pages(self.user, Listing.LOVED, tracks)
            rest = [track for track in tracks if track.pk not in chosen]
            chosen += adopting.choose_pages(self.user, Listing.LIBRARY, rest)
            look_again(open_likes.filter(track__in=chosen))
            self._adopt_chosen(chosen)
        self.news.pages.clear()
        self.news.keys.clear()
        self.whole = False
        for listing, times in unsettled.items():
            if not (self.left and listing == Listing.LOVED):
                # What changes meanwhile, as by a person, is left for the next run.
                rows = Checkpoint.objects.filter(user=self.user, listing=listing, unsettled=times)
                rows.update(unsettled=0)

    def _adopt_chosen(self, tracks: list[int]) -> None:
        adopted, _ = settle_by_loved_list(self.user, None, tracks)
        self._note_adopted(adopted)

    def _love_all(self) -> None:
        """Love, oldest like first, while the names of those that come next are looked up."""
        rate, is_known = settings.LASTFM_REQUESTS_PER_SECOND, self.failing.is_known
        over, settled_before = False, self.summary.settled

        def is_late() -> bool:
            # Each slice settles something, however slow the service is.
            return self.summary.settled > settled_before and self.must_end()

        with (
            Line[Like](self._look_up, is_known) as line,
            Loving(self.connector, self._note_sent, rate, is_known) as loving,
        ):
            try:
                while True:
                    while not over and len(line) < AHEAD:
                        batch = self._next_batch(line, len(loving))
                        if not batch:
                            break
                        self._line_up(batch, line)
                        over = self.time_is_up()
                    loving.settle(AHEAD, is_late)
                    if is_late():
                        raise SliceDone
                    if line:
                        found = line.take(self.batch_size, GATHERED_WITHIN)
                        # The lease is shown to be still ours before anything is sent.
                        save_checkpoint(self.checkpoint, read_at=timezone.now())
                        stop = self._settle_pages(found)
                        if stop is not None:
                            raise stop
                        loving.begin(self._pair_with_pages([like for like, _ in found]))
                        self.progress(self.summary.settled, self.total, "likes settled")
                    elif loving:
                        # Of what is under way some may be refused, and leave room in the limit.
                        loving.settle(0, is_late)
                    else:
                        break
            except (ConnectorError, SliceDone):
                line.stop()
                self._settle_pages(line.take(len(line), 0.0))
                raise
        if over:
            self.summary.more = bool(self._next_batch())
        self.progress(self.summary.settled, self.total, "likes settled")

    def _next_batch(self, line: Iterable[Like] = (), loving: int = 0) -> list[Like]:
        """Return the oldest likes that are neither in ``line`` nor under way, as many as ``loving``
        are."""
        lined_up = [like.pk for like in line]
        size = self.batch_size
        if self.limit is not None:
            size = max(0, min(size, self.limit - self.summary.loved - len(lined_up) - loving))
        pending = Like.objects.of(self.user).on(Service.LASTFM).filter(state=State.PENDING)
        waiting = pending.due().exclude(pk__in=lined_up).select_related("track")
        return waiting.take_oldest(size)

    def _line_up(self, batch: list[Like], line: Line[Like]) -> None:
        """Choose the pages of a batch from the user's lists; have those looked up that are not
        in them."""
        pages = ServiceMapping.objects.pages_of([like.track_id for like in batch])
        settled = set(pages.values_list("track_id", flat=True))
        for listing in (Listing.LOVED, Listing.LIBRARY):
            rest = [like.track for like in batch if like.track_id not in settled]
            settled.update(adopting.choose_pages(self.user, listing, rest) if rest else [])
        unsettled = [like.track for like in batch if like.track_id not in settled]
        self.refused |= find_refused(unsettled)
        self.doubts |= find_doubts(self.user, unsettled)
        for like in batch:
            if like.track_id in settled:
                line.add_without_call(like)
            else:
                line.add(like)

    def _look_up(self, like: Like) -> PageChoice:
        doubts, known = self.doubts.get(like.track_id, ()), self.all_plays_known
        return look_up(self.connector, like.track, self.refused, doubts, all_plays_known=known)

    def _settle_pages(self, found: Sequence[tuple[Like, Sent]]) -> ConnectorError | None:
        """Store what look-ups found; what is uncertain is no longer pending. Return the error that
        stopped them, if one did."""
        choices: dict[int, PageChoice] = {}
        for like, answer in found:
            if answer.outcome == Outcome.DONE and answer.value is not None:
                choices[like.track_id] = answer.value
                keep_spelling(answer.value, like.track, lambda: self.spellings)
            elif answer.outcome == Outcome.REFUSED:
                choices[like.track_id] = PageChoice(state=State.FAILED, reason=str(answer.error))
        called = [(like, one) for like, one in found if one.value is not None or one.error]
        if self.loves_unknown:
            adopting.take_own_names([like.track for like, _ in found], choices, self.refused)
        if called:
            with transaction.atomic():
                store_choices(choices)
                for like, _ in found:
                    choice = choices.get(like.track_id)
                    if choice is not None and choice.accepted is None:
                        self._leave_open(like, choice)
                self.failing.note_answers("look-up", called, counted=False)
        self._adopt_chosen([like.track_id for like, _ in found])
        return first_stop(answer for _, answer in found)

    def _leave_open(self, like: Like, choice: PageChoice) -> None:
        leave_open(Like.objects.filter(pk=like.pk), choice.state, choice.reason)
        self.summary.needs_review += choice.state == State.REVIEW
        self.summary.not_found += choice.state == State.NOT_FOUND
        self.summary.failed += choice.state == State.FAILED

    def _pair_with_pages(self, batch: list[Like]) -> list[tuple[Like, ServiceMapping]]:
        """Return those of a batch that are still to be sent, each with its page."""
        ids = [like.pk for like in batch]
        pages = ServiceMapping.objects.pages_of([like.track_id for like in batch])
        mappings = {mapping.track_id: mapping for mapping in pages}
        waiting = Like.objects.filter(pk__in=ids, state=State.PENDING)
        with transaction.atomic():
            leave_taken_back(self.user, waiting.all(), mappings)
            shared = adopt_loved_pages(self.user, waiting.all(), mappings)
            # A page that Narada loved for another track is Narada's love for this one too.
            ours = Like.objects.filter(pk__in=shared, sent_at__isnull=False)
            self._record_loves(ours.values_list("pk", flat=True) if shared else [])
        self.summary.already_loved += len(shared)
        self.sent += shared
        pending = Like.objects.in_bulk(ids)
        ready = [
            (pending[pk], mappings[pending[pk].track_id])
            for pk in ids
            if pk in pending
            and pending[pk].state == State.PENDING
            and pending[pk].track_id in mappings
        ]
        # Before they are sent, so that no kill leaves a love of which nobody knows whose it is.
        self._record_loves([like.pk for like, _ in ready])
        return ready

    def _record_loves(self, ids: Iterable[int]) -> None:
        RunChange.objects.record(
            self.noted_as, RunChange.What.LOVED, [(pk, State.PENDING) for pk in ids]
        )

    def _note_sent(self, sent: Sequence[tuple[Like, Sent]]) -> None:
        self.failing.note_answers("love", sent, counted=True)
        loved = [like.pk for like, one in sent if one.outcome == Outcome.DONE]
        self.sent += loved
        self.summary.loved += len(loved)
        self.summary.failed += sum(one.outcome == Outcome.REFUSED for _, one in sent)
        unsent = Outcome.REFUSED, Outcome.UNSENT
        not_sent = [like.pk for like, one in sent if one.outcome in unsent]
        if not_sent and self.noted_as is not None:
            self.noted_as.changes.filter(like__in=not_sent).delete()

    def _count_confirmed(self) -> int:
        return sum(
            Like.objects.filter(pk__in=chunk, confirmed_at__isnull=False).count()
            for chunk in chunked(self.sent, CHUNK)
        )
