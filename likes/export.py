"""One export of a user's likes to Last.fm while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from connectors.errors import ConnectorError, RequestRejected
from connectors.lastfm import LastfmConnector
from likes.in_flight import IN_FLIGHT, Line, Outcome, Sent, first_stop
from likes.lastfm_listing import Reading, chunked, read_library, read_loved
from likes.lastfm_pages import (
    PageChoice,
    choose_listed,
    choose_own_name,
    find_doubts,
    find_refused,
    look_up,
    store_choices,
)
from likes.leases import save_checkpoint
from likes.loving import Loving, take_back
from likes.models import (
    Checkpoint,
    Like,
    LikeQuerySet,
    ListedTrack,
    MappingQuerySet,
    Run,
    RunChange,
    Service,
    ServiceMapping,
    SyncSettings,
    Track,
)
from likes.questions import close_question, may_remove
from likes.settling import adopt_loved_pages, leave_taken_back, settle_by_loved_list
from likes.summaries import NEEDS_A_PERSON, ExportSummary, Progress, TimeIsUp

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
    progress: Progress = lambda done, total, text: None
    sent: list[int] = field(default_factory=list)
    set_aside: set[str] = field(default_factory=set)
    total: int = 0
    shown: int = 0
    refused: set[tuple[int, str]] = field(default_factory=set)
    doubts: dict[int, list[ServiceMapping]] = field(default_factory=dict)

    def run(self) -> None:
        """Send what is pending; whatever stops this is raised after the counts are complete."""
        summary = self.summary
        try:
            self.total = self._settle_by_list() + self._pending().count()
            if gone := self.checkpoint.removals_asked:
                summary.exit_code = NEEDS_A_PERSON
                summary.message = (
                    f"Last.fm no longer shows {gone:,} loves that it showed before. "
                    "Narada changed nothing of them. If they were taken back indeed, say so on "
                    "the first page, or run: "
                    f"narada export-likes-to-lastfm -u {self.user} --accept-removals"
                )
            stop = take_back(self.connector, self.user)
            if stop is not None:
                raise stop
            self._adopt()
            self._love_all()
            if self.sent and not summary.more:
                self._settle_by_list()
        finally:
            summary.confirmed = self.shown + self._count_confirmed()
            # Counted anew: an import that runs meanwhile adds to what is pending.
            summary.remaining = self._pending().count()
            summary.candidates = summary.settled + summary.remaining
            self._tell_set_aside()

    def _set_aside(self, reasons: Sequence[str]) -> None:
        self.set_aside |= set(reasons)

    def _tell_set_aside(self) -> None:
        if not self.set_aside:
            return
        many = len(self.set_aside) > 1
        rows = f"{len(self.set_aside):,} rows" if many else "1 row"
        why = min(self.set_aside).rpartition(": ")[2]
        said = (
            f"{rows} of Last.fm's lists could not be read and {'were' if many else 'was'} left out "
            f"({why})"
        )
        self.summary.message = " ".join(filter(None, [self.summary.message, said]))

    def _settle_by_list(self) -> int:
        reading = read_loved(self.user, self.connector, self._set_aside)
        may_remove = {Reading.WHOLE: self._may_remove, Reading.LACKING: self._was_told_of}
        adopted = settle_by_loved_list(self.user, may_remove.get(reading))
        self._note_adopted(adopted)
        return adopted

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

    def plan(self, say_minutes: Callable[[int], str]) -> None:
        """Say what ``run`` would do, with its calls. The lists read are kept; no like changes."""
        summary = self.summary
        read_loved(self.user, self.connector, self._set_aside)
        pending = self._pending()
        summary.candidates = pending.count()
        loved_keys = ListedTrack.objects.filter(user=self.user, listing=Listing.LOVED).values("key")
        summary.already_loved = pending.filter(
            track__in=self._accepted().filter(key__in=loved_keys).values("track_id")
        ).count()
        look_ups = 0
        for tracks in self._unsettled(self._pending()):
            adopted = choose_listed(self.user, Listing.LOVED, tracks)
            rest = [track for track in tracks if track.pk not in adopted]
            summary.already_loved += len(adopted)
            look_ups += len(rest) - len(choose_listed(self.user, Listing.LIBRARY, rest))
        summary.remaining = summary.candidates - summary.already_loved
        loves = summary.remaining if self.limit is None else min(self.limit, summary.remaining)
        look_ups = min(look_ups, loves)
        calls = loves + look_ups + 1 + -(-loves // 1000)
        summary.message = (
            f"Would love {loves:,} tracks and look up at most {look_ups:,} names: about "
            f"{calls:,} calls, {say_minutes(calls)}. {summary.already_loved:,} are loved already "
            "and would be adopted without a call. No like was changed."
        )

    def _pending(self) -> LikeQuerySet:
        return Like.objects.of(self.user).pending_on(Service.LASTFM)

    def _accepted(self) -> MappingQuerySet:
        return ServiceMapping.objects.of(self.user).on(Service.LASTFM).accepted()

    def _unsettled(self, likes: LikeQuerySet) -> Iterator[list[Track]]:
        """Yield the tracks of those likes whose page is not chosen yet, oldest like first."""
        settled = ServiceMapping.objects.on(Service.LASTFM).accepted()
        likes = likes.filter(~Exists(settled.filter(track=OuterRef("track"))))
        ids = list(likes.oldest_first().values_list("track_id", flat=True))
        for chunk in chunked(ids, CHUNK):
            tracks = Track.objects.in_bulk(chunk)
            yield [tracks[pk] for pk in chunk]

    def _adopt(self) -> None:
        """Find among what the user loves and scrobbles whatever settles a page without a call."""
        self._choose_listed(Listing.LOVED)
        self._adopt_chosen()
        try:
            read_library(self.user, self.connector, self._settle_by_library, self._set_aside)
        except RequestRejected as error:
            # A compatible server may lack this list, and what it saves is calls, not likes.
            self.summary.message = self.summary.message or (
                f"What the user scrobbles could not be read, so names were looked up: {error}"
            )
        self._settle_by_library()
        if self._loves_unknown():
            self._love_unknown()

    def _loves_unknown(self) -> bool:
        """Tell whether the user wants all loved that Last.fm does not know."""
        return SyncSettings.objects.filter(
            user=self.user, on_unknown=SyncSettings.Unknown.LOVE
        ).exists()

    def _love_unknown(self) -> None:
        """Have loved what earlier exports did not find, under the names that the tracks have."""
        not_found = Like.objects.of(self.user).on(Service.LASTFM).filter(state=State.NOT_FOUND)
        for tracks in self._unsettled(not_found):
            refused = find_refused(tracks)
            pages = {track.pk: choose_own_name(track, refused) for track in tracks}
            chosen = {pk: PageChoice(accepted=page) for pk, page in pages.items() if page}
            with transaction.atomic():
                store_choices(chosen)
                not_found.filter(track__in=list(chosen)).update(
                    state=State.PENDING, last_error="", updated_at=timezone.now()
                )

    def _choose_listed(self, listing: Listing) -> int:
        """Store the pages that a list settles; return how many pending likes stay unsettled."""
        # What no look-up found may have been loved or scrobbled since.
        open_likes = Like.objects.of(self.user).on(Service.LASTFM).for_a_person()
        for tracks in self._unsettled(open_likes):
            chosen = self._store_listed(listing, tracks)
            open_likes.filter(track__in=chosen).update(
                state=State.PENDING, last_error="", updated_at=timezone.now()
            )
        return sum(
            len(tracks) - len(self._store_listed(listing, tracks))
            for tracks in self._unsettled(self._pending())
        )

    def _store_listed(self, listing: Listing, tracks: list[Track]) -> list[int]:
        chosen = choose_listed(self.user, listing, tracks)
        with transaction.atomic():
            store_choices({pk: PageChoice(accepted=row) for pk, row in chosen.items()})
        return list(chosen)

    def _settle_by_library(self) -> int:
        unsettled = self._choose_listed(Listing.LIBRARY)
        return unsettled if self.limit is None else min(unsettled, self.limit)

    def _adopt_chosen(self, tracks: list[int] | None = None) -> None:
        self._note_adopted(settle_by_loved_list(self.user, None, tracks))

    def _love_all(self) -> None:
        """Love, oldest like first, while the names of those that come next are looked up."""
        over = False
        with (
            Line[Like](self._look_up) as line,
            Loving(self.connector, self._note_sent, settings.LASTFM_REQUESTS_PER_SECOND) as loving,
        ):
            try:
                while True:
                    while not over and len(line) < AHEAD:
                        batch = self._next_batch(line, len(loving))
                        if not batch:
                            break
                        self._line_up(batch, line)
                        over = self.time_is_up()
                    if line:
                        found = line.take(self.batch_size, GATHERED_WITHIN)
                        # The lease is shown to be still ours before anything is sent.
                        save_checkpoint(self.checkpoint, read_at=timezone.now())
                        stop = self._settle_pages(found)
                        if stop is not None:
                            raise stop
                        loving.begin(self._pair_with_pages([like for like, _ in found]))
                        loving.settle(AHEAD)
                        self.progress(self.summary.settled, self.total, "likes settled")
                    elif loving:
                        # Of what is under way some may be refused, and leave room in the limit.
                        loving.settle()
                    else:
                        break
            except ConnectorError:
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
        """Have the pages of a batch looked up that no list settled."""
        pages = ServiceMapping.objects.pages_of([like.track_id for like in batch])
        settled = set(pages.values_list("track_id", flat=True))
        unsettled = [like.track for like in batch if like.track_id not in settled]
        self.refused |= find_refused(unsettled)
        self.doubts |= find_doubts(self.user, unsettled)
        for like in batch:
            if like.track_id in settled:
                line.add_without_call(like)
            else:
                line.add(like)

    def _look_up(self, like: Like) -> PageChoice:
        doubts = self.doubts.get(like.track_id, ())
        return look_up(self.connector, like.track, self.refused, doubts)

    def _settle_pages(self, found: Sequence[tuple[Like, Sent]]) -> ConnectorError | None:
        """Store what look-ups found; what is uncertain is no longer pending. Return the error that
        stopped them, if one did."""
        choices: dict[int, PageChoice] = {}
        for like, answer in found:
            if answer.outcome == Outcome.DONE and answer.value is not None:
                choices[like.track_id] = answer.value
            elif answer.outcome == Outcome.REFUSED:
                choices[like.track_id] = PageChoice(state=State.FAILED, reason=str(answer.error))
        stumbled = [like.pk for like, answer in found if answer.is_own_failure]
        if self._loves_unknown():
            for like, _ in found:
                choice = choices.get(like.track_id)
                own = choose_own_name(like.track, self.refused)
                if choice is not None and choice.state == State.NOT_FOUND and own is not None:
                    others = [page for page in choice.candidates if page.key != own.key]
                    choices[like.track_id] = PageChoice(accepted=own, candidates=others)
        if choices or stumbled:
            with transaction.atomic():
                store_choices(choices)
                for like, _ in found:
                    choice = choices.get(like.track_id)
                    if choice is not None and choice.accepted is None:
                        self._leave_open(like, choice)
                Like.objects.filter(pk__in=stumbled).update(attempts=F("attempts") + 1)
            self._adopt_chosen([like.track_id for like, _ in found])
        return first_stop(answer for _, answer in found)

    def _leave_open(self, like: Like, choice: PageChoice) -> None:
        Like.objects.filter(pk=like.pk, state=State.PENDING).update(
            state=choice.state, last_error=choice.reason, updated_at=timezone.now()
        )
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
        loved = [like.pk for like, one in sent if one.outcome == Outcome.DONE]
        self.sent += loved
        self.summary.loved += len(loved)
        self.summary.failed += sum(one.outcome == Outcome.REFUSED for _, one in sent)
        unsent = (Outcome.REFUSED, Outcome.UNSENT)
        not_sent = [like.pk for like, one in sent if one.outcome in unsent]
        if not_sent and self.noted_as is not None:
            self.noted_as.changes.filter(like__in=not_sent).delete()

    def _count_confirmed(self) -> int:
        return sum(
            Like.objects.filter(pk__in=chunk, confirmed_at__isnull=False).count()
            for chunk in chunked(self.sent, CHUNK)
        )
