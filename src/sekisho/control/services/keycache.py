"""The keys in memory: what every call is checked against, never more than a second behind the database."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sekisho.control.services.keys import digest
from sekisho.control.services.presets import read_presets
from sekisho.control.services.principals import Texts, read_principals
from sekisho.control.services.signing import SigningSecret
from sekisho.control.store.announce import read_revision
from sekisho.control.store.engine import Store, StoreError
from sekisho.control.store.thread import Latest, StoreThread
from sekisho.core.clock import Clock
from sekisho.core.preset import Preset
from sekisho.core.principal import DEFAULT_ORGANISATION, Principal, Signatory
from sekisho.telemetry.log import Shout

POLL_SECONDS = 0.5
REFRESH_PAUSE = 0.05
PATIENCE = 2.0
"""Seconds that a call with an unknown key waits for a database that does not answer."""
ENVIRONMENT_KEY = "key_env_admin"


class KeyCache:
    """Implements `core.port.Keys`. The dictionary is replaced by one assignment and never changed.

    Unknown keys cannot flood the database: a `refresh` reads one number, 20 times a second at most, and
    one read serves all who wait. So no unknown digest needs to be remembered, and a key that was made
    a moment ago works at its first call.
    """

    def __init__(
        self,
        store: Store,
        thread: StoreThread,
        clock: Clock,
        signing: SigningSecret,
        admin_key: str | None = None,
    ):
        self._store = store
        self._signing = signing
        self._thread = thread
        self._principals: dict[bytes, Principal] = {}
        self._texts: Texts = {}
        self._revision = -1
        self._latest = Latest(self._look, REFRESH_PAUSE)
        self._unreachable = Shout("keys_not_refreshed", clock.monotonic)
        self._woken = asyncio.Event()
        self._fixed: dict[bytes, Principal] = {}
        if admin_key is not None:
            admin = Principal(key_id=ENVIRONMENT_KEY, name="SEKISHO_ADMIN_KEY", admin=True)
            self._fixed[digest(admin_key)] = admin
            self._keep({}, {}, {})

    def find(self, digest: bytes) -> Principal | None:
        """See `core.port.Keys`. Expired keys are found: the caller has the clock."""
        return self._principals.get(digest)

    def signatories(self, key_id: str) -> Sequence[Signatory]:
        """See `core.port.Keys`."""
        known = self._principals
        return [
            Signatory(known[text], self._signing.secret_access_key(text))
            for text in self._texts.get(key_id, ())
            if text in known
        ]

    async def refresh(self) -> None:
        """See `core.port.Keys`. Where the database cannot be read, or does not answer, what is in memory
        stays."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._latest()

    async def load(self) -> None:
        """The first reading. Raises StoreError: a server must not start without its keys."""
        await self._thread.run(self._read)

    async def poll(self) -> None:
        """Keep up with the database until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._woken.wait()
            self._woken.clear()
            await self._latest()

    def wake(self) -> None:
        """Look now: another process has announced something."""
        self._woken.set()

    async def _look(self) -> None:
        try:
            await self._thread.run(self._read)
        except StoreError as error:
            self._unreachable.error(error=str(error))

    def _read(self) -> None:
        with self._store.read() as connection:
            revision = read_revision(connection)
            if revision == self._revision:
                return
            presets = read_presets(connection)
            principals, texts = read_principals(connection, presets)
        self._keep(principals, texts, presets.get(DEFAULT_ORGANISATION, {}))
        self._revision = revision

    def _keep(self, principals: dict[bytes, Principal], texts: Texts, presets: Mapping[str, Preset]) -> None:
        self._fixed = {text: replace(principal, presets=presets) for text, principal in self._fixed.items()}
        self._principals = principals | self._fixed
        self._texts = texts | {principal.key_id: (text,) for text, principal in self._fixed.items()}
