import copy
import pickle

import pytest

from sekisho.core.error import ProviderAuthFailed
from sekisho.core.secret import Secret


def test_references_are_looked_up_when_resolved_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Secret("Key ${SEKISHO_TEST_A}-${SEKISHO_TEST_B}")
    monkeypatch.setenv("SEKISHO_TEST_A", "one")
    monkeypatch.setenv("SEKISHO_TEST_B", r"\1${SEKISHO_TEST_A}")
    assert secret.resolve() == r"Key one-\1${SEKISHO_TEST_A}"
    monkeypatch.setenv("SEKISHO_TEST_A", "two")
    assert secret.resolve().startswith("Key two-")


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_is_named_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("SEKISHO_TEST_A", raising=False)
    if value is not None:
        monkeypatch.setenv("SEKISHO_TEST_A", value)
    with pytest.raises(ProviderAuthFailed, match="SEKISHO_TEST_A") as caught:
        Secret("sk-literal ${SEKISHO_TEST_A}").resolve()
    assert "sk-literal" not in str(caught.value)


def test_a_secret_never_prints_or_pickles_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEKISHO_TEST_A", "sk-environment")
    for secret in (Secret("sk-literal"), Secret("sk-literal-${SEKISHO_TEST_A}")):
        shown = f"{secret} {secret!r} {[secret]} {secret.variables}"
        assert "sk-" not in shown
        with pytest.raises(TypeError):
            pickle.dumps(secret)
        with pytest.raises(TypeError):
            copy.deepcopy(secret)
    assert repr(Secret("sk-literal")) == "Secret(***)"
    assert repr(Secret("${A_B}")) == "Secret(${A_B})"


def test_secrets_are_not_compared_by_their_text() -> None:
    assert Secret("a") != Secret("a")
