from collections.abc import AsyncIterator

import pytest
from tests.counters.ground import FakeClock, Ground, in_memory, in_valkey


@pytest.fixture(params=["memory", "valkey"])
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    if request.param == "memory":
        yield in_memory(FakeClock())
        return
    async with in_valkey(request.getfixturevalue("valkey_url"), FakeClock()) as made:
        yield made
