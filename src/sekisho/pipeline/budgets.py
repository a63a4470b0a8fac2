"""What providers' budgets have left of them when the gateway begins to keep them: the books know."""

import asyncio
from collections.abc import Iterable
from functools import partial

import structlog

from sekisho.core.error import Unavailable
from sekisho.core.port import Books
from sekisho.core.provider import Provider
from sekisho.routing.spent import Spent

PAUSE = 1.0
"""Seconds, while the books cannot be read."""


async def count(spent: Spent, providers: Iterable[Provider], books: Books) -> None:
    """Returns once all is known that was spent of these providers' budgets in their present periods: before
    that no call may be routed by them. Waits for books that cannot be read."""
    for name, since in spent.begin(providers):
        while True:
            try:
                known = await books.spent_at(name, since, partial(spent.seen, name))
            except Unavailable as error:
                structlog.get_logger().warning("budget_not_counted", provider=name, reason=error.message)
                await asyncio.sleep(PAUSE)
            else:
                spent.found(name, known)
                break
