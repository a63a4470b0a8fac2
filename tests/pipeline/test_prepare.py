"""What is worked out once for an endpoint, and how the client's headers and limits reach it."""

from dataclasses import replace

import pytest
from tests.pipeline.world import MESSAGES, endpoint, plane, route

from sekisho.core.error import ProviderAuthFailed
from sekisho.core.operation import Operation
from sekisho.core.provider import Auth
from sekisho.core.route import Timeouts
from sekisho.core.secret import Secret
from sekisho.pipeline import prepare


def keyed(variable: str):
    plain = endpoint("a")
    return replace(plain, provider=replace(plain.provider, auth=Auth("bearer", Secret(f"${{{variable}}}"))))


def test_a_key_is_read_anew_for_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = plane().prepared(keyed("A_KEY"), "openai_chat")
    monkeypatch.delenv("A_KEY", raising=False)
    with pytest.raises(ProviderAuthFailed, match="A_KEY"):
        prepared.head("/v1/chat", b"")
    for key in (b"first", b"second"):
        monkeypatch.setenv("A_KEY", key.decode())
        assert b"authorization: Bearer %b\r\n" % key in prepared.head("/v1/chat", b"")


def test_a_spliced_request_keeps_its_clients_version_and_nothing_else_of_the_client() -> None:
    plain = endpoint("a", dialect="anthropic_messages")
    headers = (("anthropic-version", "2023-06-01"), ("x-team", "roads"))
    prepared = plane().prepared(
        replace(plain, provider=replace(plain.provider, headers=headers)), "openai_chat"
    )
    assert prepared.forwarded([], {}) == b"anthropic-version: 2023-06-01\r\n"
    sent = [(b"anthropic-version", b"2026-10-21"), (b"anthropic-beta", b"x"), (b"x-api-key", b"secret")]
    assert prepared.forwarded(sent, dict(sent)) == b"anthropic-version: 2026-10-21\r\nanthropic-beta: x\r\n"
    assert prepared.head("/v1/chat", b"").count(b"x-team: roads") == 1
    assert b"anthropic-version" not in prepared.head("/v1/chat", b"")


def test_a_base_url_keeps_its_path() -> None:
    made = plane().prepared(
        endpoint("a", dialect="anthropic_messages", base_url="https://h.test/x/v1/"), MESSAGES.name
    )
    path = made.path(Operation.COUNT_TOKENS, stream=False)
    assert path is not None
    head = made.head(path, b"")
    assert head.startswith(b"POST /x/v1/messages/count_tokens HTTP/1.1\r\n")


def test_names_that_clients_invent_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "PREPARED_MOST", 100)
    world = plane()
    for number in range(1000):
        invented = replace(endpoint("open"), model=f"open/{number}", upstream_model=str(number))
        world.prepared(invented, "openai_chat")
    assert len(world._prepared) <= 100


def test_an_answer_in_one_piece_is_bound_by_connect_and_total_alone() -> None:
    limits = Timeouts(connect=1, first_token=2, idle=3, total=4)
    assert route(endpoint("a"), timeouts=limits).whole == Timeouts(connect=1, first_token=4, idle=4, total=4)
