import http

import pytest

from sekisho.core import error
from sekisho.core.error import SekishoError, UpstreamError


def tree(root: type[SekishoError]) -> list[type[SekishoError]]:
    return [root, *(leaf for child in root.__subclasses__() for leaf in tree(child))]


LEAVES = [leaf for leaf in tree(SekishoError) if leaf.__module__ == error.__name__]


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_every_error_says_status_code_and_whether_to_try_again(leaf: type[SekishoError]) -> None:
    made = leaf("what happened", param="messages.0", retry_after=1.5)
    assert (made.message, made.param, made.retry_after, str(made)) == (
        "what happened",
        "messages.0",
        1.5,
        "what happened",
    )
    assert made.status >= 400
    assert http.HTTPStatus(made.status)
    assert made.code
    assert made.code == made.code.lower()
    assert made.retry in ("never", "elsewhere", "same")


def test_only_the_providers_errors_lead_to_another_try() -> None:
    again = [leaf for leaf in LEAVES if leaf.retry != "never"]
    assert all(issubclass(leaf, UpstreamError) for leaf in again)


def test_every_upstream_error_has_a_code_of_its_own() -> None:
    codes = [leaf.code for leaf in LEAVES if issubclass(leaf, UpstreamError)]
    assert len(codes) == len(set(codes))


def test_a_rejection_carries_the_providers_status() -> None:
    assert error.ProviderRejected("x", provider_status=422).rejected_status == 422
    assert error.ContextTooLong("x").rejected_status == 400
