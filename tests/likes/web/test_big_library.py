"""Pages of a user with many likes read no more than those of one with few; words searched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from counting import counting
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.test.utils import CaptureQueriesContext

from likes.like_operations import OPEN
from likes.models import (
    Like,
    ListedTrack,
    ListedTrackKey,
    Run,
    RunChange,
    Service,
    ServiceMapping,
    Track,
    TrackKey,
    search_index,
)
from likes.models.search import search_tracks
from likes.runs import history
from likes.web import home, like_pages, paging, review_pages, run_pages

THEN = datetime(2024, 5, 1, tzinfo=UTC)
#: Of ten likes, the states on Last.fm.
STATES = ["present"] * 3 + ["pending", "review", "not_found", "failed", "excluded", "removing",
                            "removed"]  # fmt: skip

pytestmark = pytest.mark.django_db(transaction=True)


def make_library(name: str, count: int) -> Client:
    """A user whose likes are in every state, with one rare word; signed in."""
    user = User.objects.create(username=name)
    tracks = Track.objects.bulk_create(
        Track(user=user, title=f"Song number {n}", artists=["Ada" if n % 7 else "Björk"],
              album="Vespertine" if n == count // 2 else "")
        for n in range(count)
    )  # fmt: skip
    Like.objects.bulk_create(
        Like(user=user, track=track, service=service, liked_at=THEN - timedelta(minutes=n),
             state="present" if service == "narada" and n % 5
             else "unavailable" if service == "narada"
             else "removed" if service == "spotify" and not n % 10
             else STATES[n % 10] if service == "lastfm" else "present")
        for n, track in enumerate(tracks)
        for service in ("narada", "spotify", "lastfm")
    )  # fmt: skip
    client = Client()
    client.force_login(user)
    return client


PAGES = {
    "likes": "/likes/",
    "a deep page": "/likes/?after=2024-04-30T22:00:00%2B00:00~1",
    **{state: f"/likes/?state={state}" for state in [*like_pages.FILTERS, "gone", "unavailable"]},
    "review": "/review/",
}
#: Of so few tracks PostgreSQL reads a user's instead of the index.
SEARCHES = {
    "a rare word": "/likes/?q=VESPERTINE",
    "no word": "/likes/?q=nowhere",
    "a rare word in a state": "/likes/?q=vespertine&state=loved",
    "a frequent word": "/likes/?q=bjork",
    "a frequent word in a state": "/likes/?q=bjork&state=loved",
    "two letters": "/likes/?q=so",
    "two letters of no word": "/likes/?q=9q",
    "review, a frequent word": "/review/?q=bjork",
    "review, a rare word": "/review/?q=vespertine",
}


@pytest.mark.slow
@pytest.mark.skipif(
    connection.vendor != "sqlite",
    reason="for so few rows PostgreSQL's plan hangs on its statistics; see benchmarks/README.md",
)
def test_a_page_of_a_big_library_reads_as_much_as_one_of_a_small_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (like_pages, review_pages):
        monkeypatch.setattr(module, "MOST_COUNTED", 100)
    few, many = make_library("few", 600), make_library("many", 6000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    too_much = {}
    searches = SEARCHES if connection.vendor == "sqlite" else {}
    for name, address in [*PAGES.items(), *searches.items()]:
        read = []
        for client in (few, many):
            client.get(address)
            with counting() as rows:
                assert client.get(address).status_code == 200
            read.append(sum(rows.values()))
        if read[1] > 3 * read[0] + 100:
            too_much[name] = read
    assert not too_much


@pytest.mark.parametrize(("count", "most"), [(6, 6), (60, 6), (600, 8)])
def test_the_review_page_takes_few_statements_and_reads_some_reasons(
    count: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_pages, "MOST_COUNTED", 100)
    client = make_library("ada", count)
    Like.objects.filter(state__in=OPEN).update(last_error="no such name")
    client.get("/review/")
    with CaptureQueriesContext(connection) as queries:
        shown = client.get("/review/")
    assert len(queries) <= most
    number = count // 10 * 3
    if number:
        told = f"{number}" if number <= 100 else "at least 101"
        assert f"no such name ({told})" in shown.text
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/review/?reason=no+such+name&state=review").status_code == 200
    assert len(queries) <= most + 1


@pytest.mark.parametrize("way", ["by index", "by list", "by list in vain"])
@pytest.mark.parametrize(
    ("address", "state"),
    [("/likes/", ""), ("/likes/?state=gone", "gone"), ("/likes/?state=pending", "pending"),
     ("/review/?state=review", "review")],
)  # fmt: skip
def test_pages_of_a_search_show_each_like_once_and_newest_first(
    address: str, state: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (like_pages, review_pages):
        monkeypatch.setattr(module, "PAGE_SIZE", 4)
    monkeypatch.setattr("likes.web.like_list.RARE", 1_000 if way == "by index" else 3)
    part, rarely = (3, 0) if way == "by list in vain" else (7, 150)
    monkeypatch.setattr("likes.web.paging.PART", part)
    monkeypatch.setattr("likes.web.paging.FAIR_TRIAL", part if rarely == 0 else 1_000)
    monkeypatch.setattr("likes.web.paging.RARELY", rarely)
    client = make_library("ada", 90)
    make_library("bob", 20)
    Like.objects.filter(track__title__endswith="7").update(liked_at=None)
    Like.objects.filter(track__title__endswith="3").update(liked_at=THEN)
    # A like that Narada never knew is in no list of likes.
    Like.objects.filter(service="narada", track__title="Song number 14").delete()
    shown, mark, told = [], "", set()
    while True:
        given = {"q": "ada song", "state": state, **({"after": mark} if mark else {})}
        answer = client.get(address.partition("?")[0], given)
        page = answer.context["page"]
        shown += [row.track_id for row in page.rows]
        told.add((answer.context["total"], answer.context["most_counted"]))
        mark = page.next_mark
        if not mark:
            break
    service, states = like_pages.choose_rows(state)
    rows = Like.objects.filter(user__username="ada", service=service, state__in=states)
    ordered = sorted(
        rows.filter(track__artists=["Ada"]),
        key=lambda row: (row.liked_at is None, row.liked_at and -row.liked_at.timestamp(), row.pk),
    )
    assert shown == [row.track_id for row in ordered]
    assert len(told) == 1
    total, most = told.pop()
    assert total == len(ordered) or (way == "by list" and total == most + 1 <= len(ordered))


@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize("undated", [False, True])
def test_pages_of_the_review_show_each_case_once_and_newest_first(
    few: bool, undated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_pages, "PAGE_SIZE", 5)
    monkeypatch.setattr(review_pages, "MOST_COUNTED", 100 if few else 10)
    client = make_library("ada", 60)
    Like.objects.filter(track__title__endswith="5").update(liked_at=None if undated else THEN)
    shown, mark = [], ""
    while True:
        page = client.get("/review/", {"after": mark}).context["page"]
        shown += page.rows
        mark = page.next_mark
        if not mark:
            break
    ordered = sorted(
        Like.objects.filter(state__in=OPEN),
        key=lambda row: (row.liked_at is None, row.liked_at and -row.liked_at.timestamp(), row.pk),
    )
    assert shown == ordered


def test_the_first_page_counts_in_an_index_and_only_what_it_shows() -> None:
    client = make_library("ada", 300)
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/").status_code == 200
    (count,) = (query["sql"] for query in queries if "GROUP BY" in query["sql"])
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {count}")
            scans = [row[3] for row in cursor.fetchall() if "likes_like" in row[3]]
            index = "USING COVERING INDEX like_by_state (user_id=? AND service=?"
        else:
            cursor.execute("VACUUM ANALYZE likes_like")
            # So few rows are as cheap to find in any index: what counts is the pages read.
            cursor.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
            cursor.execute("SET seq_page_cost = 100; SET random_page_cost = 100")
            cursor.execute(f"EXPLAIN {count}")
            scans = [row[0] for row in cursor.fetchall() if "Scan" in row[0]]
            cursor.execute("RESET enable_seqscan; RESET enable_bitmapscan")
            cursor.execute("RESET seq_page_cost; RESET random_page_cost")
            index = "Index Only Scan using like_by_state"
    assert len(scans) == 3
    assert all(index in scan for scan in scans), scans
    with counting() as rows:
        counts = home.count_likes(User.objects.get())
    assert (counts["in_narada"], counts["gone_on_spotify"], counts["to_review"]) == (300, 30, 90)
    if connection.vendor == "postgresql":
        assert rows["like_by_state"] == 300 + 300 + 30


def test_large_counts_are_remembered_until_a_run_begins_or_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(home, "LARGE", 25)
    make_library("ada", 100)
    user, run = User.objects.get(), None

    def count() -> tuple[int, int, int]:
        counts = home.count_likes(user, run)
        return counts["in_narada"], counts["loved"], counts["to_review"]

    assert count() == (100, 30, 30)
    Like.objects.filter(state__in=["present", "review"]).delete()
    assert count() == (100, 30, 20)
    run = history.join_slices([Run.objects.create(user=user, kind="import")], True)[0]
    assert count() == (20, 0, 20)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a plan of SQLite")
def test_a_search_reads_of_the_likes_that_do_not_meet_it_an_index_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("likes.web.like_list.RARE", 3)
    client = make_library("ada", 300)
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/likes/?q=bjork&state=loved").status_code == 200
    part = next(query["sql"] for query in queries if f"LIMIT {paging.PART})" in query["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {part}")
        (scan,) = (row[3] for row in cursor.fetchall() if " U0 " in row[3])
    assert "USING COVERING INDEX like_by_state (user_id=? AND service=? AND state=?" in scan


def note_run(name: str, slices: int = 1) -> str:
    """Note that a run, in some slices, added each like and loved those that are loved."""
    user = User.objects.get(username=name)
    likes = list(Like.objects.of(user).exclude(service="spotify").order_by("service", "pk"))
    size = -(-len(likes) // slices)
    for number in range(slices):
        begun = THEN + timedelta(minutes=number)
        state = Run.State.LATER if number < slices - 1 else Run.State.DONE
        run = Run.objects.create(
            user=user, kind="export", state=state, started_at=begun, ended_at=begun
        )
        RunChange.objects.bulk_create(
            RunChange(run=run, like=like, what="added" if like.service == "narada" else "loved")
            for like in likes[number * size : (number + 1) * size]
            if like.service == "narada" or like.state == "present"
        )
    return f"/runs/{run.pk}/"


@pytest.mark.skipif(
    connection.vendor != "sqlite",
    reason="for so few rows PostgreSQL's plan hangs on its statistics; see benchmarks/README.md",
)
@pytest.mark.parametrize("slices", [1, 5])
@pytest.mark.parametrize("deep", [False, True])
def test_the_page_of_a_run_reads_as_much_for_many_changes_as_for_few(
    slices: int, deep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MOST_COUNTED", "PAGE_SIZE"):
        monkeypatch.setattr(run_pages, name, 30, raising=False)
    read, statements = [], []
    for name, count in (("few", 100), ("many", 3000)):
        client = make_library(name, count)
        address = note_run(name, slices)
        if deep:
            changes = RunChange.objects.filter(run__user__username=name, what="added")
            address += f"?what=added&after={changes.order_by('pk')[count // 2].pk}"
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        client.get(address)
        with counting() as rows, CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        read.append(sum(rows.values()))
        statements.append(len(queries))
    assert read[1] <= 1.5 * read[0] + 100
    assert max(statements) <= 30


def test_the_page_of_a_run_says_that_there_are_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_pages, "MOST_COUNTED", 9)
    monkeypatch.setattr(run_pages, "PAGE_SIZE", 5)
    client = make_library("ada", 20)
    shown = client.get(note_run("ada")).text
    assert "<strong>More than 9</strong> added to Narada" in shown
    assert "<strong>6</strong> loved on Last.fm" in shown
    assert "Take the whole run back" in shown
    for odd in ("?what=added&after=x", "?what=x&after=5", "?what=loved&after=" + "9" * 30):
        assert client.get(note_run("ada") + odd).status_code == 200


def test_a_list_says_that_there_are_more_than_it_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(like_pages, "MOST_COUNTED", 9)
    client = make_library("ada", 20)
    assert "More than 9 likes" in client.get("/likes/").text
    assert "6 likes found" in client.get("/likes/?state=loved").text
    assert "More than 9 likes found" in client.get("/likes/?q=song").text


@pytest.mark.parametrize("state", ["", *like_pages.FILTERS, "gone", "unavailable"])
@pytest.mark.parametrize("undated", [False, True])
def test_pages_of_a_filter_show_each_like_once_and_newest_first(
    state: str, undated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(like_pages, "PAGE_SIZE", 7)
    client = make_library("ada", 60)
    make_library("bob", 20)
    if undated:
        Like.objects.filter(track__title__endswith="7").update(liked_at=None)
    Like.objects.filter(track__title__endswith="3").update(liked_at=THEN)
    shown, mark = [], ""
    while True:
        answer = client.get("/likes/", {"state": state, **({"after": mark} if mark else {})})
        page = answer.context["page"]
        shown += page.rows
        mark = page.next_mark
        if not mark:
            break
    service, states = like_pages.choose_rows(state)
    rows = Like.objects.filter(user__username="ada", service=service, state__in=states)
    ordered = sorted(
        rows,
        key=lambda row: (row.liked_at is None, row.liked_at and -row.liked_at.timestamp(), row.pk),
    )
    assert [like.track_id for like in shown] == [row.track_id for row in ordered]
    assert {like.service for like in shown} <= {Service.NARADA}


ADMIN = {
    **{model: f"{model}/" for model in ["track", "like", "servicemapping", "run", "runchange",
                                        "listedtrack", "trackkey", "listedtrackkey"]},
    "a later page of likes": "like/?p=3",
    "likes that need a person": "like/?wrong=person",
    "changes of a run": "runchange/?q={run}",
    "changes of a user": "runchange/?q=few",
    "changes of nobody": "runchange/?q=nobody",
    "listed, of a user": "listedtrack/?q=user:few+77",
    "listed, of nobody": "listedtrack/?q=77+kings",
    "keys of a user": "trackkey/?q=user:few+k77",
    "keys of nobody": "trackkey/?q=k77",
    "keys of a track": "trackkey/?q={track}",
    "keys of listed": "listedtrackkey/?q=user:few+k77",
}  # fmt: skip


@pytest.mark.skipif(
    connection.vendor != "sqlite",
    reason="for so few rows PostgreSQL's plan hangs on its statistics; see benchmarks/README.md",
)
@pytest.mark.slow
def test_the_admin_reads_as_much_of_big_tables_as_of_small_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("likes.admin.bounds.MOST_COUNTED", 200, raising=False)
    operator = Client()
    operator.force_login(User.objects.create_superuser("operator"))
    read: dict[str, list[int]] = {}
    for name, count in (("few", 300), ("many", 3000)):
        make_library(name, count)
        note_run(name)
        user = User.objects.get(username=name)
        tracks = Track.objects.filter(user=user)
        TrackKey.objects.bulk_create(
            TrackKey(user=user, track=track, key=f"k{n}") for n, track in enumerate(tracks)
        )
        ServiceMapping.objects.bulk_create(
            ServiceMapping(user=user, track=track, service="lastfm", key=f"k{n}", rule="listed")
            for n, track in enumerate(tracks)
        )
        listed = ListedTrack.objects.bulk_create(
            ListedTrack(user=user, listing="library", key=f"k{n}", artist="Ada", title=f"Song {n}")
            for n in range(count)
        )
        ListedTrackKey.objects.bulk_create(
            ListedTrackKey(user=user, listed=row, key=row.key) for row in listed
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        run, track = Run.objects.get(user=user).pk, tracks.latest("pk").pk
        for page, address in ADMIN.items():
            address = f"/admin/likes/{address.format(run=run, track=track)}"
            operator.get(address)
            with counting() as rows:
                assert operator.get(address).status_code == 200, page
            read.setdefault(page, []).append(sum(rows.values()))
    assert not {page: sums for page, sums in read.items() if sums[1] > 2 * sums[0] + 200}


def test_the_admin_says_that_there_are_more_and_finds_what_a_search_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("likes.admin.bounds.MOST_COUNTED", 30)
    make_library("ada", 60)
    make_library("bob", 60)
    for name in ("ada", "bob"):
        note_run(name)
    operator = Client()
    operator.force_login(User.objects.create_superuser("operator"))
    for user in User.objects.all():
        for track in Track.objects.filter(user=user)[:2]:
            TrackKey.objects.create(user=user, track=track, key="hey")
            ListedTrack.objects.create(user=user, listing="loved", key=track.pk, title="Hey")
    page = operator.get("/admin/likes/like/").text
    assert "more than 30 likes" in page
    assert "30 results" not in page
    assert "2 results" in operator.get("/admin/likes/trackkey/?q=user:ada+hey").text

    def find(address: str) -> set[Any]:
        return set(operator.get(f"/admin/likes/{address}").context["cl"].queryset)

    run = Run.objects.get(user__username="ada")
    changes = set(RunChange.objects.filter(run=run))
    assert find(f"runchange/?q={run.pk}") == find("runchange/?q=ada") == changes
    assert find("runchange/?q=user:ada") == changes
    assert len(find("runchange/")) == 2 * len(changes)
    keys = set(TrackKey.objects.filter(user__username="bob"))
    assert find("trackkey/?q=user:bob+hey") == find("trackkey/?q=user:bob") == keys
    assert {find(f"trackkey/?q={key.track_id}").pop() for key in keys} == keys
    assert find("trackkey/?q=user:bob+he") == find("trackkey/?q=hey") == set()
    assert len(find("listedtrack/?q=user:ada+hey")) == 2
    assert "Found by: user:NAME" in operator.get("/admin/likes/listedtrack/?q=hey").text
    assert not find("run/?started_by=button")
    assert len(find("run/?started_by=command")) == 2


TRACKS = {
    "beyonce": ("Déjà Vu", ["Beyoncé"], "B'Day"),
    "acdc": ("T.N.T.", ["AC/DC"], ""),
    "sigur": ("Svefn-g-englar", ["Sigur Rós"], "Ágætis byrjun"),
    "moderat": ("Straße", ["Mø"], ""),
    "utada": ("初恋", ["宇多田ヒカル"], ""),
    "iu": ("좋은 날", ["IU"], ""),
    "kino": ("Группа крови", ["Кино"], "X"),
    "chk": ("Must Be the Moon", ["!!!"], ""),
    "u2": ("One", ["U2"], ""),
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("beyonce", "beyonce"), ("BEYONCÉ", "beyonce"), ("deja vu", "beyonce"),
        ("yonc", "beyonce"), ("bday", "beyonce"), ("b'day", "beyonce"), ("b’day", "beyonce"),
        ("vu beyonce", "beyonce"), ("acdc", "acdc"), ("ac/dc", "acdc"), ("ac dc", "acdc"),
        ("tnt", "acdc"), ("T.N.T.", "acdc"), ("sigur ros", "sigur"), ("agaetis", "sigur"),
        ("svefngenglar", "sigur"), ("strasse", "moderat"), ("STRASSE mo", "moderat"),
        ("初恋", "utada"), ("恋", "utada"), ("ヒカ", "utada"), ("宇多田", "utada"),
        ("좋은", "iu"), ("날", "iu"), ("группа", "kino"), ("КИНО", "kino"), ("!!!", "chk"),
        ("!! moon", "chk"), ("u2", "u2"), ("iu", "iu"), ("\u00a0u2 ", "u2"),
        ("sv", "sigur"), ("КР", "kino"), ("yo", ""), ("ро", ""), ("x", "kino"), ("g", ""),
        ("nowhere", ""), ("beyonce acdc", ""), ("%", ""), ("_", ""), ('"', ""), ("恋初", ""),
        ("* OR", ""), ('"acdc" OR "beyonce"', ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("with_index", [True, False])
def test_search_finds_names_as_one_types_them(
    text: str, found: str, with_index: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not with_index:
        monkeypatch.setattr("likes.models.search.has_fts", lambda connection: False)
    user = User.objects.create(username="ada")
    for title, artists, album in TRACKS.values():
        Track.objects.create(user=user, title=title, artists=artists, album=album)
    names = {names[0]: key for key, names in TRACKS.items()}
    for owner in (user, None):
        assert {
            names[track.title] for track in search_tracks(Track.objects.all(), text, user=owner)
        } == ({found} if found else set())


def test_the_index_follows_every_change_of_tracks() -> None:
    user = User.objects.create(username="ada")
    track = Track.objects.create(user=user, title="Hunter", artists=["Björk"])

    def find(text: str) -> int:
        return search_tracks(Track.objects.all(), text).count()

    track.title = "Jóga"
    track.save()
    assert (find("hunter"), find("joga")) == (0, 1)
    Track.objects.bulk_create([Track(user=user, title="Bachelorette", artists=["Björk"])])
    assert find("bachelor bjork") == 1
    Track.objects.all()._raw_delete("default")
    assert (find("joga"), find("bachelorette")) == (0, 0)


def test_the_migration_goes_back_and_forth_and_finds_what_was_there() -> None:
    user = User.objects.create(username="ada")
    Track.objects.create(user=user, title="Jóga", artists=["Björk"])
    try:
        call_command("migrate", "likes", "0013", verbosity=0)
        old = MigrationExecutor(connection).loader.project_state(("likes", "0013_leaving")).apps
        old.get_model("likes", "Track").objects.create(
            user_id=user.pk, title="Human Behaviour", artists=["Björk"]
        )
    finally:
        call_command("migrate", "likes", verbosity=0)
    for text, count in (("bjork", 2), ("behav", 1), ("jo", 1), ("og", 0), ("x", 0)):
        assert search_tracks(Track.objects.all(), text).count() == count


@pytest.mark.skipif(connection.vendor != "sqlite", reason="triggers of SQLite")
def test_a_migrate_creates_the_triggers_that_another_migration_lost() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER likes_track_fts_added")
    user = User.objects.create(username="ada")
    Track.objects.create(user=user, title="Jóga", artists=["Björk"])
    assert not search_tracks(Track.objects.all(), "joga").exists()
    search_index.create_index("default")
    assert search_tracks(Track.objects.all(), "joga").exists()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="a plan of PostgreSQL")
def test_postgres_searches_by_its_index() -> None:
    make_library("ada", 2000)
    with connection.cursor() as cursor:
        # Rows that were just added wait in a list that makes the index look dear.
        cursor.execute("SELECT gin_clean_pending_list(%s)", [search_index.BY_USER])
        cursor.execute("ANALYZE")
        cursor.execute("SET enable_seqscan = off; SET enable_indexscan = off")
        try:
            plan = search_tracks(Track.objects.all(), "vespertine").explain()
        finally:
            cursor.execute("RESET enable_seqscan; RESET enable_indexscan")
    assert search_index.BY_USER in plan, plan


@pytest.mark.skipif(connection.vendor != "postgresql", reason="extensions of PostgreSQL")
@pytest.mark.parametrize("extension", ["pg_trgm", "btree_gin"])
def test_a_role_that_may_not_create_an_extension_is_told_and_searches_without(
    extension: str, caplog: pytest.LogCaptureFixture
) -> None:
    def indexes() -> set[str]:
        with connection.cursor() as cursor:
            names = connection.introspection.get_constraints(cursor, "likes_track")
        return {name for name in names if name.startswith("track_search")}

    with connection.cursor() as cursor:
        cursor.execute(f"DROP EXTENSION {extension} CASCADE")
        if extension == "btree_gin":
            cursor.execute(
                "CREATE INDEX track_search ON likes_track USING gin (search_text gin_trgm_ops)"
            )
        before = indexes()
        cursor.execute("DROP ROLE IF EXISTS narada_poor")
        cursor.execute("CREATE ROLE narada_poor")
        cursor.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO narada_poor")
        try:
            cursor.execute("SET ROLE narada_poor")
            search_index.create_index("default")
        finally:
            cursor.execute("RESET ROLE")
        assert f"CREATE EXTENSION {extension}" in caplog.text
        assert indexes() == before
        user = User.objects.create(username="ada")
        Track.objects.create(user=user, title="Jóga", artists=["Björk"])
        assert search_tracks(Track.objects.all(), "joga").exists()
        cursor.execute("DROP OWNED BY narada_poor")
        cursor.execute("DROP ROLE narada_poor")
    search_index.create_index("default")
    assert indexes() == {search_index.BY_USER}
