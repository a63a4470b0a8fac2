import pytest

from sekisho.providers import catalog
from sekisho.providers.catalog import Catalog


@pytest.fixture(scope="session")
def known() -> Catalog:
    """The catalogue of this installation."""
    return catalog.load()
