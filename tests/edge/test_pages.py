"""Answers that are no calls: whole ones, and streams that end, or break off."""

from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest
from tests.edge.serving import refuse, serving, talk

from sekisho.core.clock import Clock
from sekisho.core.error import SekishoError, Truncated
from sekisho.edge.connection import Connection
from sekisho.edge.message import Request
from sekisho.edge.respond import PageAnswer, Responder

ASK = b"GET /page HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


async def shown(body: bytes | AsyncGenerator[bytes, None]) -> bytes:
    unused = cast(Any, None)
    responder = Responder(unused, unused, unused, Clock())

    async def page() -> PageAnswer:
        return 200, b"content-type: text/plain\r\n", body

    async def handle(request: Request, out: Connection) -> None:
        await responder.page(page(), request, out, refuse, b"x-extra: 1\r\n")

    async with serving(handle) as (_, port):
        return await talk(port, ASK)


async def pieces(*parts: bytes | Exception) -> AsyncGenerator[bytes, None]:
    for part in parts:
        if isinstance(part, Exception):
            raise part
        yield part


async def test_pieces_go_out_as_they_come() -> None:
    answer = await shown(pieces(b"one", b"two"))
    assert b"x-extra: 1\r\n" in answer
    assert answer.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    assert (await shown(b"whole")).endswith(b"content-length: 5\r\n\r\nwhole")


@pytest.mark.parametrize("failure", [Truncated("gone"), RuntimeError("canary")])
async def test_a_stream_that_breaks_off_never_looks_whole(failure: Exception) -> None:
    try:
        answer = await shown(pieces(b"one", failure))
    except ConnectionResetError:
        return
    assert b"0\r\n\r\n" not in answer
    assert b"canary" not in answer


async def test_a_failure_before_the_first_piece_is_an_answer() -> None:
    async def page() -> PageAnswer:
        raise SekishoError("why")

    async def handle(request: Request, out: Connection) -> None:
        unused = cast(Any, None)
        await Responder(unused, unused, unused, Clock()).page(page(), request, out, refuse, b"")

    async with serving(handle) as (_, port):
        assert (await talk(port, ASK)).endswith(b"/page: why")
