"""State × event → state, over all pairs, and the picture of it in docs/architecture.md."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from likes import like_operations as ops
from likes.models import Like, LikeQuerySet, Run, Service, ServiceMapping, Source, Track

DOCUMENT = Path(__file__).parents[2] / "docs" / "architecture.md"
State = Like.State

#: The columns below. A love that is there was sent by Narada, or found there and adopted.
KINDS = (
    *("pending", "sending", "sent", "adopted", "review", "not_found", "failed", "excluded"),
    *("unavailable", "removing", "removed"),
)
#: The state after each event; a dot where the row is left alone, to the letter.
TABLE = """
on lastfm               pending   sending   sent      adopted   review    not_found failed    excluded  unavail.  removing  removed
begin_sending           sending   .         .         .         .         .         .         .         .         .         .
mark_sent               .         present   .         .         .         .         .         .         .         .         .
mark_unsent             .         pending   .         .         .         .         .         .         .         .         .
mark_refused            .         failed    .         .         .         .         .         .         .         .         .
leave_open:review       review    .         .         .         .         .         .         .         .         .         .
leave_open:not_found    not_found .         .         .         .         .         .         .         .         .         .
leave_open:failed       failed    .         .         .         .         .         .         .         .         .         .
look_again              .         .         .         .         pending   pending   pending   .         .         .         .
note_failure            pending   sending   .         .         .         .         .         .         .         removing  .
give_up                 failed    failed    .         .         .         .         .         .         .         removed   .
mark_taken_back         .         .         .         .         .         .         .         .         .         removed   .
mark_loved              present   present   .         .         present   present   present   .         .         .         .
mark_loved_again        .         .         .         .         .         .         .         .         .         .         present
confirm                 .         .         present   present   .         .         .         .         .         .         .
mark_not_arrived        .         pending   .         .         .         .         .         .         .         .         .
mark_lost               .         .         pending   pending   .         .         .         .         .         .         .
mark_lost:often         .         .         review    review    .         .         .         .         .         .         .
mark_unloved            .         .         removed   removed   .         .         .         .         .         .         .
share_love              present   .         .         .         .         .         .         .         .         .         .
share_end               removed   .         .         .         .         .         .         .         .         .         .
stop_loving             removed   removing  removing  .         removed   removed   removed   .         .         .         .
love_again              .         .         .         .         .         .         .         .         .         sending   pending
forget                  pending   pending   pending   pending   pending   pending   pending   .         .         removed   .
mark_excluded           excluded  excluded  excluded  excluded  excluded  excluded  excluded  excluded  excluded  excluded  excluded
ask_to_love             pending   pending   pending   pending   pending   pending   pending   pending   pending   pending   pending
ask_to_love:still_ours  sending   sending   sending   sending   sending   sending   sending   sending   sending   sending   sending
ask_person:review       review    review    review    review    review    review    review    review    review    review    review
ask_person:not_found    not_found not_found not_found not_found not_found not_found not_found not_found not_found not_found not_found

on narada               pending   sending   sent      adopted   review    not_found failed    excluded  unavail.  removing  removed
end_likes               removed   removed   removed   removed   removed   removed   removed   removed   removed   removed   .
like_again              .         .         .         .         .         .         .         .         .         .         present
return_likes            .         .         .         .         .         .         .         .         .         .         present
return_unavailable      .         .         .         .         .         .         .         .         .         .         unavailable
mark_removed_on_spotify .         .         .         .         .         .         .         .         removed   .         .

on spotify              pending   sending   sent      adopted   review    not_found failed    excluded  unavail.  removing  removed
like_again              present   present   present   present   present   present   present   present   present   present   present
mark_removed_on_spotify removed   removed   removed   removed   removed   removed   removed   removed   removed   removed   removed
mark_unavailable        .         .         unavailable unavailable .         .         .         .         .         .         .
"""  # noqa: E501
#: Operations that change no state, or make a row.
BESIDE = {"add_on_lastfm", "forgive", "give_up_pages", "make_likes", "mark_withdrawn", "unlist"}

Step = Callable[[LikeQuerySet, Run], object]


def each(change: Callable[[Like], object]) -> Step:
    return lambda likes, _: [change(like) for like in likes]


def track_ids(likes: LikeQuerySet) -> list[int]:
    return list(likes.values_list("track_id", flat=True))


def mappings(likes: LikeQuerySet) -> list[ServiceMapping]:
    return list(ServiceMapping.objects.filter(track__in=track_ids(likes)))


STEPS: dict[str, Step] = {
    "begin_sending": lambda likes, _: ops.begin_sending(likes),
    "mark_sent": lambda likes, _: ops.mark_sent(likes),
    "mark_unsent": lambda likes, _: ops.mark_unsent(likes, "cut off", failed=[]),
    "mark_refused": lambda likes, _: ops.mark_refused(likes, "no"),
    "leave_open:review": lambda likes, _: ops.leave_open(likes, State.REVIEW, "may be"),
    "leave_open:not_found": lambda likes, _: ops.leave_open(likes, State.NOT_FOUND, "none"),
    "leave_open:failed": lambda likes, _: ops.leave_open(likes, State.FAILED, "no"),
    "look_again": lambda likes, _: ops.look_again(likes),
    "note_failure": each(lambda like: ops.note_failure(like, "500", counted=False)),
    "give_up": lambda likes, _: ops.give_up(dict.fromkeys(likes, "failed each time")),
    "mark_taken_back": lambda likes, _: ops.mark_taken_back(likes),
    "mark_loved": lambda likes, _: ops.mark_loved(likes, by_narada=True),
    "mark_loved_again": lambda likes, _: ops.mark_loved_again(likes),
    "confirm": lambda likes, _: ops.confirm(likes),
    "mark_not_arrived": lambda likes, _: ops.mark_not_arrived(likes),
    "mark_lost": lambda likes, _: ops.mark_lost(likes),
    "mark_lost:often": lambda likes, _: ops.mark_lost(likes),
    "mark_unloved": lambda likes, _: ops.mark_unloved(likes),
    "share_love": lambda likes, _: ops.share_love(dict.fromkeys(likes, (None, None))),
    "share_end": lambda likes, _: ops.share_end(dict.fromkeys(likes, "un-loved")),
    "stop_loving": lambda likes, run: ops.stop_loving(likes, run),
    "love_again": lambda likes, run: ops.love_again(likes, run),
    "forget": lambda likes, _: ops.forget(likes),
    "mark_excluded": each(ops.mark_excluded),
    "ask_to_love": each(lambda like: ops.ask_to_love(like, still_ours=False)),
    "ask_to_love:still_ours": each(lambda like: ops.ask_to_love(like, still_ours=True)),
    "ask_person:review": each(lambda like: ops.ask_person(like, State.REVIEW, "may be")),
    "ask_person:not_found": each(lambda like: ops.ask_person(like, State.NOT_FOUND, "none")),
    "end_likes": lambda likes, run: ops.end_likes(track_ids(likes), run),
    "like_again": lambda likes, run: ops.like_again(run.user, mappings(likes), Source.API, run),
    "return_likes": lambda likes, run: ops.return_likes(likes, State.PRESENT, run),
    "return_unavailable": lambda likes, run: ops.return_unavailable(track_ids(likes), run),
    "mark_removed_on_spotify": lambda likes, run: ops.mark_removed_on_spotify(
        run.user, [mapping.key for mapping in mappings(likes)], follow=False, run=run
    ),
    "mark_unavailable": lambda likes, _: ops.mark_unavailable(likes),
}


def read_table() -> list[tuple[str, str, list[str]]]:
    """Return each service with an event and the states after it, one for each of ``KINDS``."""
    rows, service = [], ""
    for line in filter(None, TABLE.splitlines()):
        first, *words = line.split()
        if first == "on":
            service = words[0]
        else:
            rows.append((service, first, words))
    return rows


def state_of(kind: str) -> str:
    return "present" if kind in ("sent", "adopted") else kind


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("service", "event", "after"),
    read_table(),
    ids=lambda value: value if type(value) is str else "",
)
def test_each_event_leads_each_state_where_the_table_says(
    service: str, event: str, after: list[str]
) -> None:
    user, now = User.objects.create_user("alice"), timezone.now()
    attempts = 3 if event == "mark_lost:often" else 1
    run = Run.objects.create(user=user, kind=Run.Kind.EXPORT)
    tracks = Track.objects.bulk_create(Track(user=user, title=kind) for kind in KINDS)
    ServiceMapping.objects.bulk_create(
        ServiceMapping(
            user=user, track=track, service=Service.SPOTIFY, key=track.title, listed=True,
            decision="accepted", rule="listed",
        )
        for track in tracks
    )  # fmt: skip
    Like.objects.bulk_create(
        Like(
            user=user, track=track, service=service, state=state_of(kind), attempts=attempts,
            sent_at=now if kind == "sent" else None, last_error="said before", liked_at=now,
        )
        for track, kind in zip(tracks, KINDS, strict=True)
    )  # fmt: skip
    likes = Like.objects.on(service).order_by("pk")
    before = list(likes.values())

    STEPS[event](likes.all(), run)

    rows = list(likes.values())
    expected = [
        state_of(kind) if state == "." else state for kind, state in zip(KINDS, after, strict=True)
    ]
    assert [row["state"] for row in rows] == expected
    left_alone = [n for n, state in enumerate(after) if state == "."]
    assert [rows[n] for n in left_alone] == [before[n] for n in left_alone]


def test_each_operation_is_in_the_table() -> None:
    operations = {name for name in ops.__all__ if name.islower()}
    assert {event.partition(":")[0] for _, event, _ in read_table()} == operations - BESIDE


def test_the_picture_shows_the_table() -> None:
    """“open” stands for the three states that wait for a person, “any” for all."""
    drawn = set()
    lines = re.findall(r"^    (\w+) --> (\w+): (.+)$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    for start, end, events in lines:
        starts = {"open": ["review", "not_found", "failed"]}.get(start, [start])
        drawn |= {(one, end, event) for one in starts for event in events.split(", ")}
    expected = set()
    for service, event, after in read_table():
        name = event.partition(":")[0]
        if service == "lastfm" and len({*after}) == 1:
            expected.add(("any", after[0], name))
        elif service == "lastfm":
            starts = [state_of(kind) for kind in KINDS]
            pairs = set(zip(starts, after, strict=True))
            expected |= {(start, end, name) for start, end in pairs if end not in (".", start)}
    assert drawn == expected
