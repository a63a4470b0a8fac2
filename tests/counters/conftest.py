import pytest
from tests.counters.ground import FakeClock, Ground, in_memory


@pytest.fixture(params=["memory"])
def ground() -> Ground:
    return in_memory(FakeClock())
