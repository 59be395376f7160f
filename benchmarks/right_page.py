"""Tell whether each like of a made-up library ends on the right page, and for how many calls.

Run as ``python -m benchmarks.right_page [SEED [RATE [LIBRARY]]]``. Each library of
``liked_songs`` has 1,000 likes. Its listener scrobbles three in four of them under Last.fm's
spellings, and loves a third before Narada comes. *Wrong* is loved on another page. *Missing* has a
page and is not loved on it, nor asked about with that page as a candidate where names cannot tell.
*Of likes* are the look-ups of names as on Spotify; the others are of plainer names. With a RATE the
export makes so many calls a second at most, and *out of order* counts the neighbours in the order
of liking that Last.fm dates the wrong way round.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from benchmarks.liked_songs import LIBRARIES, Name, Song, make_library
from benchmarks.preparing import join, open_database, open_sandbox
from narada_sandbox.server import Sandbox

COLUMNS = ("library", "likes", "right", "wrong", "missing", "asked", "no page", "loves", "calls",
           "look-ups", "of likes", "out of order", "seconds")  # fmt: skip
PLAYED, LOVED = 0.75, 0.33


@dataclass
class Listener:
    """What a sandbox user likes, and what they played and loved of it, by Last.fm's names."""

    songs: list[Song]
    played: set[int] = field(default_factory=set)
    loved: set[int] = field(default_factory=set)

    def find_right(self, number: int) -> frozenset[Name]:
        song = self.songs[number]
        if song.own is None:
            return frozenset()
        if number in self.played or number in self.loved or song.unplayed is None:
            return frozenset({song.own})
        return song.unplayed


def main(seed: int = 1, rate: int = 0, *names: str) -> None:
    with open_database(LASTFM_REQUESTS_PER_SECOND=str(rate)):
        print("| " + " | ".join(COLUMNS) + " |")
        print("|---" + "|--:" * (len(COLUMNS) - 1) + "|")
        faults: list[str] = []
        for name in names or LIBRARIES:
            with open_sandbox(likes=1) as box:
                faults += measure(box, name, seed)
        print("", *faults, sep="\n")


def furnish(box: Sandbox, name: str, songs: list[Song], seed: int) -> Listener:
    """Give the sandbox a user who likes the songs, and Last.fm what it has of them."""
    run, chance = box.services.control.run, random.Random(seed)
    listener = Listener(songs)
    run("users", {"name": name})
    start = 1_500_000_000
    for number, song in enumerate(songs):
        for page, listeners in song.pages.items():
            length = song.lengths.get(page, song.length if chance.random() < 0.6 else 0)
            order = {"artist": page[0], "title": page[1], "listeners": listeners}
            run("page", {**order, "duration_ms": length // 1000 * 1000})
        for wrong, right in song.corrections:
            run("correction", {"from": list(wrong), "to": list(right)})
        liked = {"title": song.title, "artists": list(song.artists), "relation": "nowhere"}
        when = start + number * 7_000 + chance.randrange(5_000)
        run("like", {"user": name, **liked, "duration_ms": song.length, "added_at": when})
        plays = [(other, chance.randint(1, 40)) for other in song.others]
        if song.own and chance.random() < PLAYED:
            listener.played.add(number)
            plays += [(page, chance.randint(1, 120)) for page in (song.own, *song.beside)]
        for (artist, title), count in plays:
            run("scrobble", {"user": name, "artist": artist, "title": title, "playcount": count})
        if song.own and chance.random() < LOVED:
            listener.loved.add(number)
            artist, title = song.own
            run("love", {"user": name, "artist": artist, "title": title, "uts": when + 60})
    return listener


def measure(box: Sandbox, library: str, seed: int) -> list[str]:
    """Import and export one library; print its row and return what went wrong."""
    from likes.like_sync import export_likes, import_likes

    listener = furnish(box, library, make_library(library, seed), seed)
    user = join(box, library, len(listener.songs))
    import_likes(user)
    box.clear_calls()
    started = time.monotonic()
    summary = export_likes(user)
    seconds = time.monotonic() - started
    calls = Counter(call["kind"].casefold() for call in box.calls())
    ended, faults = judge(user, listener, library)
    loves = [love["uts"] for love in reversed(box.order(f"loves/{library}", http="GET")["loves"])]
    sent = loves[len(listener.loved) :]
    looked_up = {
        (call["params"]["artist"], call["params"]["track"])
        for call in box.calls(kind="track.getinfo")
    }
    names = {song.spotify_name for song in listener.songs}
    misplaced = sum(later < earlier for earlier, later in pairwise(sent))
    cells = (library, len(listener.songs), ended["right"], ended["wrong"], ended["missing"],
             ended["asked"], ended["no page"], calls["track.love"], calls.total(),
             calls["track.getinfo"], len(looked_up & names),
             misplaced, f"{seconds:.0f}")  # fmt: skip
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    print(summary.message, file=sys.stderr)
    return faults


def judge(user: Any, listener: Listener, library: str) -> tuple[Counter[str], list[str]]:
    """Return how the likes ended, and a line for each that ended wrong or is missing."""
    from likes.models import Like, Service, ServiceMapping

    mappings: dict[str, list[Any]] = {}
    for row in ServiceMapping.objects.of(user).on(Service.LASTFM).select_related("track"):
        mappings.setdefault(f"{row.track.artists[0]}\t{row.track.title}", []).append(row)
    likes = {
        f"{like.track.artists[0]}\t{like.track.title}": like
        for like in Like.objects.of(user).on(Service.LASTFM).select_related("track")
    }
    ended: Counter[str] = Counter()
    faults = []
    for number, song in enumerate(listener.songs):
        key = "\t".join(song.spotify_name)
        like, rows = likes.get(key), mappings.get(key, [])
        right = {fold(name) for name in listener.find_right(number)}
        accepted = [r for r in rows if r.decision == ServiceMapping.Decision.ACCEPTED]
        shown = {fold((r.artists[0], r.title)) for r in rows}
        if like is not None and like.state == Like.State.PRESENT:
            good = {fold((r.artists[0], r.title)) for r in accepted} <= right
            end = "right" if good else "wrong"
        elif not right:
            end = "no page"
        elif song.may_ask and like is not None and like.state == "review" and right <= shown:
            end = "asked"
        else:
            end = "missing"
        ended[end] += 1
        if end in ("wrong", "missing"):
            state = like.state if like else "gone"
            faults.append(
                f"{library}: {end}, {song.kind}: {song.spotify_name} "
                f"[played {number in listener.played}, loved {number in listener.loved}] is {state}"
                f" {[(r.artists[0], r.title, r.decision, r.rule) for r in rows]}; right: {right};"
                f" {like.last_error if like else ''}"
            )
    return ended, faults


def fold(name: Name) -> Name:
    return name[0].casefold(), name[1].casefold()


if __name__ == "__main__":
    main(*[int(word) for word in sys.argv[1:3]], *sys.argv[3:])
