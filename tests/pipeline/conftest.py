"""A world in which nobody really waits."""

import asyncio

import pytest
from tests.pipeline.world import World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(asyncio, "sleep", made.sleep)
    return made
