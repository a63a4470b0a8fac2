"""A proof from end to end: gateways of its own, calls, and what the books have of them."""

import asyncio
import os
import random
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sekisho.cli.fleet import Fleet
from sekisho.cli.prove_gateway import COMMAND, GRACE, Staging, own_snapshot, route
from sekisho.control.services.holders import HolderService
from sekisho.control.services.keys import KeyService
from sekisho.control.services.standalone import open_books
from sekisho.control.services.terms import HolderDraft, KeyDraft
from sekisho.control.store import calls
from sekisho.control.store.engine import Store
from sekisho.control.store.scratch import scratch_database
from sekisho.core.clock import Clock
from sekisho.core.money import usd_text
from sekisho.core.record import CallRecord
from sekisho.core.route import Snapshot
from sekisho.settings import Settings
from sekisho.testkit.chaos.stage import FAST
from sekisho.testkit.proof import case as cases
from sekisho.testkit.proof import stage
from sekisho.testkit.proof.audit import Audit, Figures
from sekisho.testkit.proof.case import Case
from sekisho.testkit.proof.course import Course, Played
from sekisho.testkit.proof.minutes import Minutes, minutes
from sekisho.testkit.proof.witness import Witness

SEED = 5
"""What is random is the same every time, but for the machine's own moods."""
SETTLED = 15.0
"""Seconds after a burst until nothing may be held any more."""
PER_MINUTE = 100
DEMAND = 0.05
"""Seconds between two calls of steady demand: twelve times as many as its limit allows."""
ROOM = 40
"""Calls of the configuration's own route that the budget is for, at the most that one may come to."""
NOT_PASSED_ON = ("SEKISHO_DATABASE_URL", "SEKISHO_STATE_URL", "SEKISHO_DATA_DIR", "SEKISHO_ADMIN_KEY")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of a proof."""

    staging: Staging
    hosts: int
    workers: int
    repeats: int
    steady: float
    """Seconds."""
    database_url: str
    state_url: str | None
    told: Callable[[Case], None]
    """Hears of each case before it is tried."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of it."""

    figures: Sequence[tuple[Case, Figures]]
    minutes: Minutes | None


async def run(plan: Plan) -> Proof:
    """Raises DocumentError, LookupError, StoreError, StateError, GatewayFailed, OSError."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sekisho-prove-")))
        database = stack.enter_context(scratch_database(plan.database_url, folder))
        environment = {**_environment(), "SEKISHO_DATABASE_URL": database}
        if plan.state_url is not None:
            environment["SEKISHO_STATE_URL"] = await stack.enter_async_context(_state(plan.state_url))
        witness = Witness()
        stack.push_async_callback(witness.close)
        snapshot, staging = await _staged(plan.staging, witness)
        file = folder / "staging.json"
        file.write_bytes(msgspec.json.encode(staging))
        command = (COMMAND, "--staging", str(file))
        fleet = Fleet(folder, command, environment, plan.hosts, plan.workers)
        await stack.enter_async_context(fleet)
        course = Course(fleet, witness, _Issue(database), random.Random(SEED))
        played, demand = await _play(plan, course, snapshot)
        await fleet.stop()
        records = await asyncio.to_thread(_records, database, fleet.data_dirs)
        endpoints = {(each.provider.name, each.upstream_model): each for each in snapshot.endpoints()}
        audit = Audit(witness, records, endpoints)
        figures = [(each.case, audit.of(each)) for each in played]
        if demand is None:
            return Proof(figures, None)
        figures.append((demand.case, audit.of(demand)))
        return Proof(figures, minutes(demand, witness.arrivals, plan.steady, PER_MINUTE))


async def _play(plan: Plan, course: Course, snapshot: Snapshot) -> tuple[list[Played], Played | None]:
    """Bursts, and steady demand if that is wanted."""
    played = []
    own = await _of_document(course, snapshot)
    for case in (*cases.burst(), *cases.trouble(), *own):
        plan.told(case)
        played.append(await course.play(case))
        await course.all_ended(played[-1], SETTLED)
    killed = []
    for repeat in range(plan.repeats):
        case = cases.killed(repeat + 1)
        plan.told(case)
        killed.append(await course.play(case))
    demand = None
    if plan.steady:
        case = cases.steady(PER_MINUTE)
        plan.told(case)
        demand = await course.steady(case, plan.steady, DEMAND)
    for each in killed:  # what a killed process held is held until its lease ends
        await course.all_ended(each, FAST.total + GRACE + SETTLED)
    return played + killed, demand


async def _of_document(course: Course, snapshot: Snapshot) -> list[Case]:
    """The case of the configuration's own route, with a budget for some of its calls. Raises LookupError."""
    for name in snapshot.routes:
        if not stage.is_own(name):
            amount = ROOM * await course.dearest(name)
            if not amount:
                raise LookupError(f"{name} has no price: give it one, or name another model with --model")
            return [cases.of_document(name, amount, usd_text(amount))]
    return []


async def _staged(staging: Staging, witness: Witness) -> tuple[Snapshot, Staging]:
    """What is served, its providers' addresses filled in."""
    own, configured = own_snapshot(), route(staging)
    names = list(own.providers)
    if configured is not None:
        names += [target.endpoint.provider.name for target in configured.targets]
    addresses = {name: await witness.open(name) for name in dict.fromkeys(names)}
    snapshot = stage.staged(own, configured, addresses, fast=staging.fast)
    return snapshot, msgspec.structs.replace(staging, addresses=addresses)


@asynccontextmanager
async def _state(url: str) -> AsyncIterator[str]:
    from sekisho.control.state.scratch import scratch_state  # noqa: PLC0415 - see `app`

    async with scratch_state(url) as own:
        yield own


def _environment() -> Mapping[str, str]:
    """That of this process, with what the document refers to, but for what would lead to the real books."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON}
    return {**kept, "SEKISHO_ADMIN_KEY": f"sk-prove-{random.SystemRandom().randbytes(16).hex()}"}


@dataclass(frozen=True, slots=True)
class _Issue:
    """Makes the keys of a case. See `course.Issue`."""

    database_url: str

    async def __call__(self, case: Case) -> Sequence[str]:
        return await asyncio.to_thread(self._make, case)

    def _make(self, case: Case) -> list[str]:
        store = Store(self.database_url)
        try:
            draft = KeyDraft(limits=case.limits)
            if case.keys > 1:
                teams = HolderService(store, Clock(), "team")
                draft = KeyDraft(team=teams.create(case.name, HolderDraft(limits=case.limits)).id)
            keys = KeyService(store, Clock())
            return [keys.create(f"{case.name} {at}", draft)[1] for at in range(case.keys)]
        finally:
            store.close()


def _records(database_url: str, data_dirs: Sequence[Path]) -> list[CallRecord]:
    """All that is on the books, with what journals still hold."""
    for data_dir in data_dirs:
        with open_books(Settings(data_dir, database_url)):
            pass
    with open_books(Settings(data_dirs[0], database_url)) as store, store.read() as connection:
        return list(calls.select(connection))
