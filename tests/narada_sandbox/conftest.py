"""A sandbox for each test, and alice's clients of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sandbox_clients import LastfmClient, SpotifyClient

from narada_sandbox.server import Sandbox


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(likes=60, seed=1, loved_share=0.2) as box:
        yield box


@pytest.fixture
def spotify(box: Sandbox) -> SpotifyClient:
    return SpotifyClient(box)


@pytest.fixture
def lastfm(box: Sandbox) -> LastfmClient:
    return LastfmClient(box, "alice")
