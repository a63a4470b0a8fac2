"""What status pages say, brought by hand: from files where there is no network, or from all pages at once."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sekisho.control.services.status_pages import PageAsker
from sekisho.core.error import SekishoError
from sekisho.providers.status import feeds, kept, reading
from sekisho.providers.status.feeds import Feed, Feeds
from sekisho.providers.status.incident import BadFeed
from sekisho.providers.status.kept import History


@dataclass(frozen=True, slots=True)
class Updated:
    """What came of one page or file."""

    page: str
    """The file's name, where it is not known whose page it is."""
    history: History | None = None
    error: str | None = None
    """Nothing was changed, and why."""


def from_files(named: Iterable[str], folder: Path, now: float) -> Iterator[Updated]:
    """Keeps what each file says. `PAGE=FILE` says whose it is, where the file itself does not."""
    known = feeds.load()
    for name in named:
        page, path = _parts(name, known)
        try:
            with path.open("rb") as file:
                text = file.read(reading.MOST_BYTES + 1)  # what is more is not believed
            feed = known.feeds[page] if page else _whose(text, known)
            found = kept.merged(
                kept.read(folder, feed.name), reading.read(text, feed, now), feed, str(path), now
            )
            kept.keep(folder, found)
            yield Updated(feed.name, found)
        except ValueError as error:  # also a name that no file can have
            yield Updated(page or str(path), error=str(error))
        except OSError as error:
            yield Updated(page or str(path), error=error.strerror or str(error))


async def from_network(asker: PageAsker, folder: Path) -> list[Updated]:
    """Asks every page that is known, all at once."""
    return await asyncio.gather(*(_ask(asker, feed, folder) for feed in feeds.load().feeds.values()))


async def _ask(asker: PageAsker, feed: Feed, folder: Path) -> Updated:
    try:
        found = await asker.ask(feed, feed.url, kept.read(folder, feed.name))
        kept.keep(folder, found)
        return Updated(feed.name, found)
    except SekishoError as error:
        return Updated(feed.name, error=error.message)
    except (ValueError, OSError) as error:
        return Updated(feed.name, error=str(error))


def _parts(name: str, known: Feeds) -> tuple[str | None, Path]:
    page, sign, rest = name.partition("=")
    return (page, Path(rest)) if sign and page in known.feeds else (None, Path(name))


def _whose(text: bytes, known: Feeds) -> Feed:
    feed = reading.whose(text, known)
    if feed is None:
        pages = ", ".join(known.feeds)
        raise BadFeed(f"does not say whose page it is; write PAGE=FILE, where PAGE is one of {pages}")
    return feed
