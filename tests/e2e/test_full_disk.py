"""A disk that takes nothing any more, under load: calls go on, and are on the books once it takes them."""

import asyncio
import resource
from pathlib import Path

from tests.e2e import storm
from tests.e2e.live import PROVIDER_KEY
from tests.e2e.serving import ADMIN_KEY, serving

from sekisho.testkit.provider import ScriptedProvider


async def test_a_full_disk_stops_no_call_and_loses_none_off_the_books(tmp_path: Path) -> None:
    """Journal, database and log are all on it."""
    async with ScriptedProvider(api_key=PROVIDER_KEY) as provider:
        document = storm.document(tmp_path, provider)
        start = serving(
            tmp_path, *("--config", str(document)), SCRIPTED_KEY=PROVIDER_KEY, SEKISHO_ADMIN_KEY=ADMIN_KEY
        )
        async with start as served:
            async with storm.storm(ADMIN_KEY, [served]) as load:
                await load.more(100)
                # Of its size, rather than of the disk's: that needs no privilege, and fails the same writes.
                resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
                await load.more(300)
                await asyncio.sleep(2)  # longer than the journal waits before it tries again
                await load.more(300)
                resource.prlimit(
                    served.process.pid,
                    resource.RLIMIT_FSIZE,
                    (resource.RLIM_INFINITY, resource.RLIM_INFINITY),
                )
                await load.more(100)
            assert await served.stop() == 0
        found = storm.books(f"sqlite:///{served.data_dir / 'sekisho.db'}")
        assert set(load.statuses) == {200}
        assert sorted(found.ids) == sorted(load.whole)
        assert sorted(found.upstream_ids) == sorted(storm.served(provider))
        assert (found.rolled_calls, found.rolled_cost) == (len(found.ids), len(found.ids) * storm.CENT)
