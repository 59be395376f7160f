"""Fixtures of the tests that kill commands, or start many at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forked_commands import Nursery
from world import World


@pytest.fixture
def nurture(tmp_path: Path) -> Iterator[Callable[..., Nursery]]:
    """A function that makes a nursery for the commands of a world, its settings changed or not."""
    opened: list[Nursery] = []

    def make(world: World, **changes: str) -> Nursery:
        opened.append(Nursery(world.environ(**changes), tmp_path / f"nursery{len(opened)}.log"))
        return opened[-1]

    yield make
    for nursery in opened:
        nursery.close()
