"""`SEKISHO_STATE_URL`: what it may say, and what is said of it."""

from pathlib import Path

import pytest

from sekisho.control.state.address import Address, StateError, in_namespace, read_address

SECRET = "canary-9b2"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://valkey.internal", Address("valkey.internal")),
        ("valkey://10.0.0.7:6380/3", Address("10.0.0.7", 6380, database=3)),
        ("redis://[::1]:6379/", Address("::1")),
        ("rediss://app:a%2Fb%40c@cache:6379", Address("cache", username="app", password="a/b@c", tls=True)),
        ("valkeys://:secret@cache/?db=2", Address("cache", password="secret", tls=True, database=2)),
        ("unix:///run/valkey%20one.sock?db=4", Address(path="/run/valkey one.sock", database=4)),
    ],
)
def test_urls_of_every_kind_are_read(url: str, address: Address) -> None:
    assert read_address(url) == address


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (f":{SECRET}@host:6379", "must begin with redis://"),
        (f"http://:{SECRET}@host", "must begin with redis://"),
        (f"redis://:{SECRET}@", "names no host"),
        (f"redis://:{SECRET}@host:port", "a number up to 65535"),
        (f"redis://:{SECRET}@host:99999", "a number up to 65535"),
        (f"redis://:{SECRET}@host/zero", "must be a number"),
        (f"redis://:{SECRET}@host/1?db=2", "twice"),
        (f"redis://:{SECRET}/more@host", "%2F"),
        (f"redis://:{SECRET}#more@host", "%23"),
        (f"redis://:{SECRET}@host?socket_timeout=9", "known are db, namespace, ssl_ca_certs"),
        (f"redis://:{SECRET}@host?ssl_ca_certs=/nowhere", "needs rediss://"),
        (f"rediss://:{SECRET}@host?ssl_ca_certs=/nowhere", "there is no file /nowhere"),
        (f"redis://:{SECRET}@host?namespace={SECRET}:", "1 to 40 of a-z, 0-9 and -"),
        (f"unix://run/valkey.sock?db={SECRET}", "must be a number"),
        ("unix://run/valkey.sock", "three slashes"),
        (f"redis://[:{SECRET}@host", "not a URL"),
    ],
)
def test_what_is_wrong_is_named_and_the_password_is_not(url: str, reason: str) -> None:
    with pytest.raises(StateError) as refused:
        read_address(url)
    assert str(refused.value).startswith("SEKISHO_STATE_URL: ")
    assert reason in str(refused.value)
    assert SECRET not in str(refused.value)


def test_an_address_is_shown_without_its_password(tmp_path: Path) -> None:
    authorities = tmp_path / "ca.pem"
    authorities.touch()
    address = read_address(f"rediss://app:{SECRET}@cache:6390/5?ssl_ca_certs={authorities}")
    assert address.shown == "cache:6390, database 5"
    assert SECRET not in repr(address)


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("redis://host/3", "sekisho:own:"),
        ("unix:///run/valkey.sock?db=2", "sekisho:own:"),
        ("redis://host?namespace=staging", "sekisho:staging-own:"),
    ],
)
def test_a_namespace_can_be_put_on_any_address(url: str, root: str) -> None:
    before, address = read_address(url), read_address(in_namespace(url, "own"))
    assert (address.root, address.shown) == (root, before.shown)
