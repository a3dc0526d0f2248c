"""Which addresses the studio sends to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.webhooks import addresses
from studio.webhooks.errors import AddressRefused

PUBLIC = ["93.184.215.14", "1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001:82a::200e", "::ffff:1.1.1.1", "64:ff9b::101:101"]
LOCAL = [
    *("127.0.0.1", "127.8.9.10", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.100.100.200"),
    *("169.254.169.254", "168.63.129.16", "192.0.0.192", "192.0.2.7", "198.18.0.1", "198.51.100.1", "203.0.113.9", "192.88.99.1"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1", "3fff::1", "2001::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::1", "::127.0.0.1", "100::1", "5f00::1", "2001:0:7f00:1::"),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert addresses.is_public(ip_address(address))


@pytest.mark.parametrize("address", LOCAL)
def test_not_public(address: str) -> None:
    assert not addresses.is_public(ip_address(address))


@given(st.integers(0, 2**32 - 1))
def test_an_address_is_judged_the_same_however_it_is_wrapped(number: int) -> None:
    plain = addresses.is_public(IPv4Address(number))
    assert addresses.is_public(IPv6Address(0xFFFF << 32 | number)) == plain
    assert addresses.is_public(IPv6Address((0x64FF9B << 96) | number)) == plain
    assert not plain or IPv4Address(number).is_global


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "Write the address without spaces"),
        ("example.com/hooks", "Write the whole address"),
        ("ftp://example.com/", "Write the whole address"),
        ("https:///hooks", "Write the whole address"),
        ("https://example.com/a b", "without spaces"),
        ("https://exämple.com/", "without spaces"),
        ("https://example.com\\@10.0.0.1/", "without spaces"),
        ("https://me:word@example.com/", "Leave out the name"),
        ("https://@example.com/", "Leave out the name"),
        ("https://example.com/#part", "Leave out the name"),
        ("https://example.com:99999/", "This is no address"),
        ("https://example.com:0/", "There is no port 0"),
        ("https://exa$mple.com/", "This is no name of a computer"),
        ("https://[fe80::1%25eth0]/", "not public"),
        ("https://[::1/", "This is no address"),
        (f"https://example.com/{'a' * 2000}", "An address has 2000 characters at most"),
        ("http://example.com/", "Only https"),
        ("https://example.com:22/", "Nothing is sent to port 22. Use port 443 or 8443."),
        ("https://127.0.0.1/", "not public"),
        ("https://[::1]/", "not public"),
        ("https://[::ffff:10.0.0.1]/", "not public"),
        ("https://inside.example/", "not public"),
        ("https://both.example/", "not public"),
    ],
)
def test_refused_with_a_sentence(url: str, sentence: str, no_look_up: dict[str, Any]) -> None:
    no_look_up |= {"inside.example": [["10.0.0.1"]], "both.example": [["93.184.215.14", "169.254.169.254"]]}
    no_look_up["example.com"] = [["93.184.215.14"]]
    with pytest.raises(AddressRefused, match=sentence):
        addresses.check(url)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "localhost"])
def test_other_ways_to_write_this_machine_are_looked_up_and_refused(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the system's own look-up, which asks nobody for these
    with pytest.raises(AddressRefused, match="not public"):
        addresses.check(f"https://{host}/")


def test_a_name_that_nobody_knows_yet_may_be_written_down(no_look_up: dict[str, Any]) -> None:
    addresses.check("https://later.example/hooks")
    with pytest.raises(AddressRefused, match="Only https"):
        addresses.check("http://later.example/hooks")
    with pytest.raises(AddressRefused, match="not known"):
        addresses.resolve(addresses.read("https://later.example/hooks"))


def test_public_addresses_in_the_order_of_the_look_up(no_look_up: dict[str, Any]) -> None:
    no_look_up["example.com"] = [["2606:4700::1", "93.184.215.14", "93.184.215.14"]]
    found = addresses.resolve(addresses.read("https://example.com:8443/hooks?x=1"))
    assert [str(one) for one in found] == ["2606:4700::1", "93.184.215.14"]


def test_what_the_operator_opens(settings: Any, no_look_up: dict[str, Any]) -> None:
    settings.WEBHOOK_PRIVATE = ["hooks.internal", "10.20.0.0/16", "fd00::/8"]
    no_look_up |= {"hooks.internal": [["192.168.7.7"]], "ten.internal": [["10.20.3.4"]], "mixed.internal": [["10.20.3.4", "10.21.0.1"]]}
    no_look_up["half.internal"] = [["10.20.3.4", "93.184.215.14"]]
    for url in (
        "http://hooks.internal:3000/",
        "http://ten.internal/",
        "http://10.20.1.1:8080/",
        "http://[fd12::1]/",
        "https://half.internal/",
    ):
        addresses.check(url)
    for url in ("https://mixed.internal/", "https://10.21.0.1/", "https://192.168.7.7/", "http://half.internal/"):
        with pytest.raises(AddressRefused):
            addresses.check(url)


def test_a_look_up_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    go = threading.Event()
    monkeypatch.setattr(addresses, "LOOKUP_SECONDS", 0.05)
    monkeypatch.setattr(addresses, "getaddrinfo", lambda *args, **options: go.wait(60) and [])
    with pytest.raises(AddressRefused, match="in time"):
        addresses.look_up(addresses.read("https://slow.example/"))
    go.set()


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("https://Example.com", "example.com", "/"),
        ("https://example.com:443/a?b=c", "example.com", "/a?b=c"),
        ("http://example.com:8080?q", "example.com:8080", "/?q"),
        ("https://[2606:4700::1]:8443/x%20y", "[2606:4700::1]:8443", "/x%20y"),
    ],
)
def test_taken_apart(url: str, origin: str, path: str) -> None:
    target = addresses.read(url)
    assert (target.origin, target.path) == (origin, path)
