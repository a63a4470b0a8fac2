"""No document: the providers whose customary environment variables are set."""

from collections.abc import Mapping
from hashlib import sha256

from sekisho.core.route import Snapshot
from sekisho.providers.aws import find_region
from sekisho.providers.catalog import Catalog, Row
from sekisho.routing.compile import compile_document
from sekisho.routing.document import Document, ProviderEntry

SOURCE = "environment"
"""Stands for the file's name in problems."""


def discover(catalog: Catalog, environment: Mapping[str, str]) -> Snapshot:
    """A snapshot of every provider whose key is in `environment`, in the catalogue's order; an empty one
    where there is none (see `nothing_found`). Raises DocumentError for an address that is no URL."""
    return compile_document(document(catalog, environment), catalog, environment)


def document(catalog: Catalog, environment: Mapping[str, str]) -> Document:
    """What a document that says the same would hold."""
    found = [entry for row in catalog.rows.values() if (entry := _entry(row, environment)) is not None]
    names = "\n".join(f"{entry.name} {entry.base_url}" for entry in found)
    return Document(SOURCE, tuple(found), revision=sha256(names.encode()).hexdigest()[:12])


def nothing_found(catalog: Catalog) -> str:
    """What to tell somebody who started without a document and without any provider's key."""
    known = [row.env[0] for row in catalog.rows.values() if row.env and row.retired is None]
    return (
        "no provider is configured, so that no model can be served: start with --config FILE, or set one of "
        f"{', '.join(known)}"
    )


def _entry(row: Row, environment: Mapping[str, str]) -> ProviderEntry | None:
    """The row as it is. `OPENAI_BASE_URL` and its like, known from the providers' own SDKs, win over the
    row's address."""
    key = next((name for name in row.env if environment.get(name)), None)
    if key is None or row.retired is not None:
        return None
    address = f"{key.removesuffix('_API_KEY')}_BASE_URL"
    if key.endswith("_API_KEY") and environment.get(address):
        return ProviderEntry(row.name, base_url=f"${{{address}}}")
    if not all(environment.get(name) for name in row.variables):
        return None
    if row.needs_region and find_region(None, environment) is None:
        return None
    return ProviderEntry(row.name)
