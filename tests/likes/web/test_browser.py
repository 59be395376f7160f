"""The pages in Chromium, against the sandbox over real HTTP: what a person does and sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from playwright.sync_api import Browser, Page, expect, sync_playwright
from programs import need_program

from likes.models import Like, Run, Service, ServiceMapping
from matching import name_key
from narada_site.celery import app

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LONG_WORD = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch" * 2
PASSWORD = "a long enough one"

pytestmark = pytest.mark.browser
# A sync that is pressed for is done before the page comes back.
expect.set_options(timeout=120_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = need_program("chromium")
    # Playwright's loop runs in this thread, and Django would take each query for one of async code.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def site(world: Any, live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the pages; a sync that is queued is done at once."""
    monkeypatch.setitem(app.conf, "task_always_eager", True)
    settings.SOCIALACCOUNT_PROVIDERS = {
        "spotify": {
            "APPS": [
                {
                    "client_id": settings.SPOTIFY_CLIENT_ID,
                    "secret": settings.SPOTIFY_CLIENT_SECRET,
                }
            ]
        },
        "lastfm": {
            "APPS": [{"client_id": settings.LASTFM_API_KEY, "secret": settings.LASTFM_API_SECRET}]
        },
    }
    # Spotify refuses "localhost" as the host of a redirect address.
    return live_server.url.replace("localhost", "127.0.0.1")


def note_error(page: Any, line: Any) -> None:
    """Keep what the console says of our pages; the sandbox's have no icon."""
    if line.type == "error" and line.location["url"].startswith(page.site):
        page.problems.append(f"{line.text} ({line.location['url']})")


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[Any]:
    """A function that opens a window of its own, as of another person, on the site."""
    contexts = []

    def open_window(**look: Any) -> Page:
        context = browser.new_context(base_url=site, **look)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.site, page.problems = site, []  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda line: note_error(page, line))
        return page

    yield open_window
    for context in contexts:
        context.close()


def sign_up(page: Page, name: str) -> None:
    page.goto("/accounts/signup/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    page.get_by_role("button", name="Sign Up").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def connect(page: Page, service: str, name: str) -> None:
    page.goto("/connections/")
    page.get_by_role("button", name=f"Connect {service}").click()
    page.get_by_label(name).check()
    page.get_by_role("button", name="Allow").click()
    expect(page.locator(".note.success")).to_contain_text(f"{service} is connected as")


def sign_in(page: Page, user: User) -> None:
    user.set_password(PASSWORD)
    user.save()
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign In").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def figure(page: Page, label: str) -> Any:
    return page.locator(".figures a", has_text=label).locator("strong")


def test_two_users_sign_up_connect_and_sync(open_page: Any, world: Any) -> None:
    songs = {"alice": ["Army of Me", "Jóga"], "bob": ["Obstacle 1", "Obstacle 2", "PDA"]}
    for name, titles in songs.items():
        for title in titles:
            world.like(title, artist="Björk" if name == "alice" else "Interpol", user=name)
    windows = {name: open_page() for name in songs}
    for name, page in windows.items():
        sign_up(page, name)
        connect(page, "Spotify", name)
        connect(page, "Last.fm", name)
    for name, page in windows.items():
        page.goto("/")
        page.get_by_role("button", name="Sync now").click()
        expect(figure(page, "Loved")).to_have_text(str(len(songs[name])))
    for name, page in windows.items():
        assert {title for _, title in world.loves(name)} == set(songs[name])
        assert page.problems == []
    windows["alice"].goto("/likes/")
    expect(windows["alice"].locator("main")).to_contain_text("Jóga")
    expect(windows["alice"].locator("main")).not_to_contain_text("Obstacle")


def test_declining_at_spotify_is_told_and_changes_nothing(open_page: Any, world: Any) -> None:
    page = open_page()
    sign_up(page, "alice")
    page.goto("/connections/")
    page.get_by_role("button", name="Connect Spotify").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alert")).to_contain_text("You declined at Spotify")
    page.goto("/connections/")
    expect(page.get_by_role("button", name="Connect Spotify")).to_be_visible()


def make_case(world: Any, user: User, title: str, page_title: str) -> ServiceMapping:
    """A like that waits for a person, with one candidate that the sandbox knows."""
    world.like(title, artist="Ada")
    track = user.tracks.create(title=title, artists=["Ada"])
    for service, state in ((Service.NARADA, "present"), (Service.LASTFM, "review")):
        Like.objects.create(
            user=user, track=track, service=service, state=state, last_error="titles differ"
        )
    return ServiceMapping.objects.create(
        user=user, track=track, service=Service.LASTFM, key=name_key("Ada", page_title),
        title=page_title, artists=["Ada"], decision="candidate", rule="scrobbled", score=0.4,
        evidence=[{"field": "title", "kind": "doubt", "text": "the titles differ a little"}],
    )  # fmt: skip


def test_a_mismatch_accepted_in_the_pages_is_loved(open_page: Any, world: Any) -> None:
    alice = world.join("alice", spotify=False)
    make_case(world, alice, "First Song", "First Song (Album)")
    page = open_page()
    sign_in(page, alice)
    page.goto("/review/")
    page.get_by_role("button", name="This is it").click()
    expect(page.locator("article")).to_contain_text("The next sync does what follows")
    page.goto("/")
    page.get_by_role("button", name="Sync now").click()
    expect(figure(page, "Loved")).to_have_text("1")
    assert world.loves() == [("Ada", "First Song (Album)")]
    assert page.problems == []


def test_a_mismatch_accepted_in_the_admin_is_loved(open_page: Any, world: Any) -> None:
    alice = world.join("alice", spotify=False)
    make_case(world, alice, "First Song", "First Song (Album)")
    operator = User.objects.create_superuser("operator")
    page = open_page()
    sign_in(page, operator)
    page.goto("/admin/likes/servicemapping/?wrong=candidate")
    page.locator("input.action-select").check()
    page.get_by_label("Action:").select_option(label="This is it")
    page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).click()
    expect(page.locator(".messagelist")).to_contain_text("This is it: 1 changed")

    page = open_page()
    sign_in(page, alice)
    page.get_by_role("button", name="Sync now").click()
    expect(figure(page, "Loved")).to_have_text("1")
    assert world.loves() == [("Ada", "First Song (Album)")]


def test_many_cases_are_ticked_at_once(open_page: Any, world: Any) -> None:
    alice = world.join("alice", spotify=False)
    for number in range(3):
        make_case(world, alice, f"Song {number}", f"Song {number} (Album)")
    page = open_page()
    sign_in(page, alice)
    page.goto("/review/")
    page.get_by_label("All on this page").check()
    expect(page.locator("[data-ticked]")).to_have_text("3 ticked")
    page.locator("article").first.get_by_role("checkbox").uncheck()
    expect(page.locator("[data-ticked]")).to_have_text("2 ticked")
    page.get_by_role("button", name="Not wanted on Last.fm").click()
    expect(page.get_by_role("status").first).to_contain_text("2 changed")
    expect(page.locator("article")).to_have_count(1)


def test_accepting_many_is_shown_before_and_taken_back_as_one(open_page: Any, world: Any) -> None:
    alice = world.join("alice", spotify=False)
    for number in range(2):
        make_case(world, alice, f"Song {number}", f"Song {number} (Album)")
    page = open_page()
    sign_in(page, alice)
    page.goto("/review/")
    page.get_by_label("All on this page").check()
    page.get_by_role("button", name="Accept the likeliest").click()
    expect(page.get_by_text("2 tracks will be loved")).to_be_visible()
    page.get_by_role("button", name="Accept them").click()
    expect(page.get_by_text("You accepted 2 pages together")).to_be_visible()
    expect(page.locator("article")).to_have_count(0)
    page.get_by_role("button", name="Take that back").click()
    expect(page.locator("article")).to_have_count(2)


def test_a_name_is_typed_in_the_review_list(open_page: Any, world: Any) -> None:
    alice = world.join("alice", spotify=False)
    make_case(world, alice, "First Song", "First Song (Album)")
    page = open_page()
    sign_in(page, alice)
    page.goto("/review/")
    page.get_by_text("Another name on Last.fm").click()
    page.get_by_label("Title on Last.fm").fill("First Song (Single)")
    page.get_by_role("button", name="Use this name").click()
    expect(page.get_by_role("alert")).to_contain_text("Last.fm does not know this name")
    page.get_by_role("button", name="Take this name all the same").click()
    expect(page.locator("article")).to_contain_text("The next sync does what follows")
    accepted = ServiceMapping.objects.get(decision="accepted")
    assert (accepted.title, accepted.decided_by) == ("First Song (Single)", "person")


def test_the_first_page_follows_a_run_by_itself(open_page: Any, world: Any) -> None:
    alice = world.join("alice")
    page = open_page()
    sign_in(page, alice)
    page.goto("/?sync=1")
    expect(page.get_by_text("waiting for a worker")).to_be_visible()
    Run.objects.create(user=alice, kind="import", state="done", counts={"seen": 7})
    expect(page.get_by_text("7 read")).to_be_visible()
    assert page.problems == []


@pytest.mark.parametrize("width", [1280, 390, 320])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_the_screen(
    open_page: Any, world: Any, width: int, scheme: str
) -> None:
    alice = world.join("alice")
    mapping = make_case(world, alice, LONG_WORD, f"{LONG_WORD} (Album)")
    Run.objects.create(user=alice, kind="export", state="later", message="x" * 200)
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto("/accounts/signup/")
    check_page(page)
    sign_in(page, alice)
    for address in (
        "/", "/likes/", f"/likes/{mapping.track_id}/", "/review/", "/connections/",
        "/connections/spotify/disconnect/", "/settings/", "/settings/delete/", "/runs/",
        "/accounts/password/change/",
    ):  # fmt: skip
        page.goto(address)
        check_page(page)


CHECK = """() => {
  const problems = [];
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) problems.push(`wider than the screen by ${wide}`);
  if (document.querySelectorAll("h1").length !== 1) problems.push("not one h1");
  for (const field of document.querySelectorAll("main input, main select")) {
    if (field.type === "hidden") continue;
    if (!field.labels.length && !field.ariaLabel) problems.push(`no label: ${field.name}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  if (new Set(ids).size !== ids.length) problems.push("an id twice");
  const light = (text) => {
    const [r, g, b, a] = text.match(/[\\d.]+/g).map(Number);
    if (a === 0) return null;
    const [x, y, z] = [r, g, b].map((c) => {
      c /= 255;
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    let back = null;
    for (let e = element; e && back === null; e = e.parentElement)
      back = light(getComputedStyle(e).backgroundColor);
    const fore = light(style.color);
    if (fore === null || back === null) continue;
    const ratio = (Math.max(fore, back) + 0.05) / (Math.min(fore, back) + 0.05);
    if (ratio < 4.5) problems.push(`contrast ${ratio.toFixed(1)}: ${element.textContent.trim()}`);
  }
  return problems;
}"""


def check_page(page: Page) -> None:
    """Nothing sticks out, fields have labels, ids are unique, and text has a contrast of 4.5."""
    assert page.evaluate(CHECK) == [], page.url


def test_tests_of_pages_use_a_database_that_the_server_sees(db: None) -> None:
    """The live server runs in a thread: an in-memory database would hide rows from it."""
    assert connection.vendor != "sqlite" or ":memory:" not in str(connection.settings_dict["NAME"])


def test_no_page_breaks_the_policy(open_page: Any, world: Any) -> None:
    """Chromium says on the console what Content-Security-Policy kept it from doing."""
    alice = world.join("alice")
    mapping = make_case(world, alice, "First Song", "First Song (Album)")
    run = Run.objects.create(user=alice, kind="export", state="later", message="later")
    alice.is_staff = alice.is_superuser = True
    page = open_page()
    page.goto("/accounts/login/")
    sign_in(page, alice)
    addresses = [
        "/", "/likes/", f"/likes/{mapping.track_id}/", "/review/", "/connections/", "/settings/",
        "/connections/spotify/disconnect/", "/settings/delete/", "/runs/", f"/runs/{run.pk}/",
        "/accounts/password/change/", "/accounts/logout/", "/admin/", "/admin/password_change/",
    ]  # fmt: skip
    for model in admin.site._registry:
        at = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        row = model._default_manager.first()
        addresses += [at, f"{at}add/"] + ([f"{at}{row.pk}/change/"] if row else [])
    for address in addresses:
        page.goto(address)
        page.wait_for_load_state()
    wrong = [line for line in page.problems if "status of 403" not in line]  # add/ of our rows
    assert wrong == [], "\n".join(wrong)
