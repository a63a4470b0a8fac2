"""The editions that an operator's folder keeps: the one in use, and the last good one before it."""

import logging
import os
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec

from sekisho.providers.models import edition, store
from sekisho.providers.models.edition import BadEdition, Edition
from sekisho.providers.models.store import FactsFile, OfferFile

CURRENT = "current.json"
PREVIOUS = "previous.json"
MOST_BYTES = 50_000_000
log = logging.getLogger(__name__)  # commands read this too: it must go to stderr, set up or not


def opened(folder: Path | None) -> tuple[OfferFile, FactsFile]:
    """What the catalogue is to serve: the newest of the folder's edition and the one that ships. A broken
    file is logged and passed over, for the one before it."""
    offers, facts = store.open_offers(), store.open_facts()
    text = _good(folder) if folder is not None else None
    if text is None:
        return offers, facts
    kept = msgspec.json.decode(text, type=OfferFile)
    if kept.date < offers.date:
        return offers, facts
    return kept, msgspec.json.decode(text, type=FactsFile)


def shipped() -> Edition:
    """The edition of this installation."""
    offers, facts = store.open_offers(), store.open_facts()
    return Edition(
        source=offers.source,
        licence=offers.licence,
        date=offers.date,
        providers={row: offers.read(row) for row in offers.providers},
        models={model: found for model in facts.models if (found := facts.read(model)) is not None},
    )


def current(folder: Path) -> Edition | None:
    """The folder's edition in use; None: there is no good one."""
    text = _good(folder)
    return None if text is None else edition.read(text, str(folder / CURRENT))


def keep(folder: Path, new: Edition) -> Path:
    """Put `new` in use, and keep the last good one as the previous. Whole or not at all. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / CURRENT
    good, text = _good(folder), msgspec.json.encode(new)
    if good is not None and good != text:
        replace(folder / PREVIOUS, good)
    replace(target, text)
    return target


def restore(folder: Path) -> Edition:
    """Put the previous edition back in use, or the one that ships where there is none. Raises OSError."""
    try:
        text = (folder / PREVIOUS).read_bytes()
        back = edition.read(text, str(folder / PREVIOUS))
    except FileNotFoundError:
        (folder / CURRENT).unlink(missing_ok=True)
        return shipped()
    replace(folder / CURRENT, text)
    (folder / PREVIOUS).unlink()
    return back


def read_file(path: Path) -> Edition:
    """An edition from a file that somebody names. Raises BadEdition or OSError."""
    if path.stat().st_size > MOST_BYTES:
        raise BadEdition(f"{path}: is larger than {MOST_BYTES:,} bytes: this is no edition")
    return edition.read(path.read_bytes(), str(path))


def _good(folder: Path) -> bytes | None:
    """The text of the first of the folder's editions that is good."""
    for name in (CURRENT, PREVIOUS):
        path = folder / name
        try:
            text = path.read_bytes()
            edition.read(text, str(path))
        except FileNotFoundError:
            continue
        except (BadEdition, OSError) as error:
            log.warning("the catalogue is passed over: %s; run sekisho catalog update, or restore", error)
            continue
        return text
    return None


def replace(target: Path, text: bytes) -> None:
    """All of `text` or nothing new, whatever dies meanwhile. Raises OSError."""
    with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        draft = Path(file.name)
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
