"""Content in requests: what is base64, and what is refused with the field that holds it."""

from base64 import b64encode

import pytest

from sekisho.core.error import BadRequest
from sekisho.core.message import Inline, Link
from sekisho.wire import media

BROKEN = ["", "a", "abc", "====", "ab=c", "abc=abcd", "abcd\n", "ab cd", "ab-_", "日本語=", "%41%41%41%41"]


@pytest.mark.parametrize("data", BROKEN)
def test_what_is_not_base64_is_refused_by_its_field(data: str) -> None:
    with pytest.raises(BadRequest, match=r"messages\.1\.content\.0: not base64") as caught:
        media.inline("image/png", data, "messages.1.content.0")
    assert caught.value.param == "messages.1.content.0"
    with pytest.raises(BadRequest):
        media.source(f"data:image/png;base64,{data}", "url")


@pytest.mark.parametrize("data", ["aGk=", "iVBORw0KGgo=", "ab/+", "AB=="])
def test_base64_is_kept_as_it_came(data: str) -> None:
    found = media.source(f"data:image/png;base64,{data}", "url")
    assert found == Inline(media_type="image/png", data=data)
    assert media.data_url(found) == f"data:image/png;base64,{data}"


def test_a_data_url_says_its_type_in_any_spelling() -> None:
    assert media.source("DATA:Image/PNG;name=a.png;BASE64,aGk=", "url") == Inline(
        media_type="image/png", data="aGk="
    )
    assert media.source("data:image/jpg;base64,aGk=", "url") == Inline(media_type="image/jpeg", data="aGk=")
    assert media.source("data:;base64,aGk=", "url") == Inline(
        media_type="application/octet-stream", data="aGk="
    )


@pytest.mark.parametrize("url", ["data:", "data:image/png", "data:text/plain,hello", "data:image/png,aGk="])
def test_a_data_url_without_base64_is_refused(url: str) -> None:
    with pytest.raises(BadRequest, match="url: a data URL without base64"):
        media.source(url, "url")


def test_other_urls_are_links() -> None:
    assert media.source("https://example.com/a.png", "url") == Link(url="https://example.com/a.png")


def test_pieces_of_base64_join_to_what_they_mean() -> None:
    assert media.joined(["AAEC", "AwQ="]) == "AAECAwQ="
    assert media.joined(["AA==", "AQI="]) == "AAEC"
    with pytest.raises(ValueError):  # noqa: PT011 - of whichever kind
        media.joined(["A=", "関"])


@pytest.mark.parametrize("size", [1 << 15, (1 << 16) - 1, 1 << 16, (1 << 16) + 1, 200_000])
def test_base64_of_any_length_is_checked_to_its_end(size: int) -> None:
    data = b64encode(bytes(size)).decode()
    assert media.is_base64(data)
    for broken in (
        data[:-1],
        data + "=",
        data[: 1 << 15] + "=" + data[(1 << 15) + 1 :],
        data[:-5] + "-" + data[-4:],
    ):
        assert not media.is_base64(broken)
