"""Keys: shown once, known by digest, and gone from every process within a second of being revoked."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import UNSET

from sekisho.control.services import keycache
from sekisho.control.services.keycache import KeyCache
from sekisho.control.services.keys import KeyService, digest
from sekisho.control.services.refusal import Refused
from sekisho.control.services.signing import SigningSecret
from sekisho.control.services.terms import KeyDraft
from sekisho.control.store.engine import Store
from sekisho.control.store.listen import listen
from sekisho.control.store.migrate import migrate
from sekisho.control.store.tables import api_keys
from sekisho.control.store.thread import StoreThread
from sekisho.core.clock import Clock
from sekisho.core.principal import DEFAULT_ORGANISATION

WATCH = Path(__file__).parent / "scripts" / "watch_a_key.py"
ENDS = datetime.fromtimestamp(9e9, UTC)
NAMES = ["ci", "会計チーム　山田", "👨‍👩‍👧", "x'); DROP TABLE api_keys; --", "%_\\", "n" * 200]


@pytest.fixture
def service(store: Store) -> KeyService:
    return KeyService(store, Clock())


@pytest.fixture
def signing(tmp_path: Path) -> SigningSecret:
    made = SigningSecret(tmp_path / "data", None)
    made.load()
    return made


@pytest.fixture
def cache(store: Store, signing: SigningSecret) -> KeyCache:
    return KeyCache(store, StoreThread("store"), Clock(), signing, admin_key="from-the-environment")


def test_a_key_is_256_random_bits_of_which_only_the_digest_is_stored(
    service: KeyService, store: Store
) -> None:
    key, text = service.create("ci", KeyDraft(expires=ENDS, models=("b/c", "a/b", "a/b"), admin=True))
    assert text.startswith("sk-sekisho-")
    assert len(text) == len("sk-sekisho-") + 43
    assert service.list() == [key]
    assert (key.allowance.models, key.expires, key.admin) == (("a/b", "b/c"), 9e9, True)
    assert key.prefix == text[:15]
    assert digest(text) not in repr(key).encode()
    with store.read() as connection:
        stored = repr(connection.execute(api_keys.select()).all())
    assert text not in stored
    assert text[16:] not in stored


def test_any_printable_name_is_data_and_nothing_else(service: KeyService) -> None:
    made = [service.create(name)[0] for name in NAMES]
    assert {key.name for key in service.list()} == set(NAMES)
    assert [service.revoke(key.name).id for key in made] == [key.id for key in made]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"name": "  "}, "needs a name"),
        ({"name": "n" * 201}, "has 201 characters; 200 are allowed"),
        ({"name": "a\x1b[31m"}, "control characters"),
        ({"name": "\ud800"}, "control characters"),
        ({"name": "a", "expires": datetime(2020, 1, 1)}, "expired already"),
        ({"name": "a", "models": ("a/b", " ")}, "one of the models has no name"),
    ],
)
def test_what_makes_no_sense_is_refused(
    service: KeyService, arguments: dict[str, object], reason: str
) -> None:
    with pytest.raises(Refused, match=reason):
        service.create(str(arguments["name"]), KeyDraft(**{**arguments, "name": UNSET}))
    assert service.list() == []


def test_a_key_is_revoked_by_id_name_or_a_beginning_that_fits_one_only(service: KeyService) -> None:
    ci, ci_two, other = (service.create(name)[0] for name in ("ci", "ci-2", "other"))
    with pytest.raises(Refused, match="fits several keys"):
        service.revoke("c")
    with pytest.raises(Refused, match="no active key"):
        service.revoke("nothing")
    with pytest.raises(Refused, match="no active key"):
        service.revoke("")
    assert service.revoke("ci").id == ci.id
    assert service.revoke("ci").id == ci_two.id
    revoked = service.revoke(other.id)
    assert revoked.revoked is not None
    assert service.revoke(other.id) == revoked


def test_the_first_start_makes_one_admin_key_and_no_other_start_does(service: KeyService) -> None:
    text = service.ensure_admin_key()
    assert text is not None
    [key] = service.list()
    assert key.admin
    service.revoke(key.id)
    assert service.ensure_admin_key() is None


def test_of_replicas_that_start_together_one_makes_the_admin_key(store: Store, url: str) -> None:
    def start(_: int) -> str | None:
        mine = Store(url)
        try:
            return KeyService(mine, Clock()).ensure_admin_key()
        finally:
            mine.close()

    with ThreadPoolExecutor(8) as replicas:
        made = [text for text in replicas.map(start, range(8)) if text is not None]
    assert len(made) == len(KeyService(store, Clock()).list()) == 1


async def test_a_new_key_is_found_after_one_refresh_and_a_revoked_one_is_not(
    service: KeyService, cache: KeyCache
) -> None:
    await cache.load()
    key, text = service.create("ci", KeyDraft(expires=ENDS, models=("a/b",)))
    assert cache.find(digest(text)) is None
    await asyncio.gather(*(cache.refresh() for _ in range(50)))
    principal = cache.find(digest(text))
    assert principal is not None
    assert (principal.key_id, principal.expires) == (key.id, 9e9)
    assert principal.allowed_models == frozenset({"a/b"})
    service.revoke(key.id)
    await cache.refresh()
    assert cache.find(digest(text)) is None
    assert cache.find(digest(text[:-1])) is None


async def test_the_default_organisation_is_the_very_object_that_records_leave_out(
    cache: KeyCache, service: KeyService
) -> None:
    _, text = service.create("ci")
    await cache.refresh()
    principal = cache.find(digest(text))
    assert principal is not None
    assert principal.organisation is DEFAULT_ORGANISATION


async def test_a_key_signs_under_its_id_until_it_is_revoked(
    service: KeyService, cache: KeyCache, signing: SigningSecret
) -> None:
    key, text = service.create("ci")
    await cache.load()
    [signatory] = cache.signatories(key.id)
    assert signatory.principal == cache.find(digest(text))
    assert signatory.secret_access_key == signing.secret_access_key(service.digest_of("ci")[1])
    assert signatory.secret_access_key not in repr(signatory)
    assert len(cache.signatories("key_env_admin")) == 1
    service.revoke(key.id)
    await cache.refresh()
    assert cache.signatories(key.id) == []
    with pytest.raises(Refused, match="was revoked"):
        service.digest_of(key.id)


async def test_the_environments_key_is_an_admin_without_a_row(cache: KeyCache, service: KeyService) -> None:
    await cache.load()
    service.create("ci")
    await cache.refresh()
    principal = cache.find(digest("from-the-environment"))
    assert principal is not None
    assert (principal.key_id, principal.admin) == ("key_env_admin", True)


async def test_refreshes_that_come_together_share_few_looks_at_the_database(
    store: Store, service: KeyService, signing: SigningSecret
) -> None:
    looks = 0

    class Counting(StoreThread):
        async def run(self, work):
            nonlocal looks
            looks += 1
            return await super().run(work)

    cache = KeyCache(store, Counting("store"), Clock(), signing)
    await asyncio.gather(*(cache.refresh() for _ in range(500)))
    assert looks <= 2


async def test_keys_stay_in_memory_when_the_database_goes_away(
    service: KeyService, cache: KeyCache, lose_database: Callable[[], None]
) -> None:
    _, text = service.create("ci")
    await cache.load()
    lose_database()
    await cache.refresh()
    assert cache.find(digest(text)) is not None


async def test_on_postgresql_a_change_is_heard_of_without_being_looked_for(
    postgres_url: str, signing: SigningSecret, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keycache, "POLL_SECONDS", 3600.0)
    store = Store(postgres_url)
    migrate(store)
    cache = KeyCache(store, StoreThread("store"), Clock(), signing)
    tasks = [asyncio.create_task(work) for work in (cache.poll(), listen(store, cache.wake))]
    try:
        async with asyncio.timeout(30):
            _, text = KeyService(store, Clock()).create("ci")
            while cache.find(digest(text)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            KeyService(store, Clock()).revoke("ci")
            while cache.find(digest(text)) is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        store.close()


def test_another_process_stops_taking_a_key_within_a_second(service: KeyService, url: str) -> None:
    key, text = service.create("ci")
    watcher = subprocess.Popen(
        [sys.executable, str(WATCH), url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert watcher.stdin is not None
    assert watcher.stdout is not None
    watcher.stdin.write(text + "\n")
    watcher.stdin.flush()
    assert watcher.stdout.readline() == "found\n"
    service.revoke(key.id)
    assert watcher.stdout.readline() == "gone\n"
    watcher.communicate()
    assert watcher.returncode == 0
