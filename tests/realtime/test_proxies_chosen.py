"""Which proxy is used: one decision for the box and for the doctor, from the environment."""

import itertools

import pytest

from edgevoice.doctor.network import address_of
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.realtime.proxies import proxy_for, shown_proxy
from edgevoice.settings.service import ServiceSettings

SECURE, PLAIN = "wss://api.example.org/x", "ws://box.example.org:8080/x"
IN_TURN = {
    SECURE: ("wss_proxy", "socks_proxy", "https_proxy", "all_proxy"),
    PLAIN: ("ws_proxy", "socks_proxy", "https_proxy", "http_proxy", "all_proxy"),
}
EACH = [(url, name) for url, names in IN_TURN.items() for lower in names for name in (lower, lower.upper())]


@pytest.mark.parametrize(("url", "variable"), EACH)
def test_each_variable_names_the_proxy_for_box_and_doctor(
    url: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "socks5h://me:secret@proxy.lan:1080")

    assert proxy_for(url) == "socks5h://me:secret@proxy.lan:1080"
    assert Endpoint(url).proxy == "proxy.lan:1080"
    assert address_of(ServiceSettings(url=url), None).proxy == "proxy.lan:1080"


@pytest.mark.parametrize("url", IN_TURN)
def test_the_more_precise_variable_wins(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for first, second in itertools.pairwise(IN_TURN[url]):
        monkeypatch.setenv(second, "http://second:1")
        monkeypatch.setenv(first, "socks5://first:1")
        assert proxy_for(url) == "socks5://first:1"
        monkeypatch.delenv(first)
        monkeypatch.delenv(second)


def test_http_proxy_is_not_for_encrypted_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy:1")

    assert not proxy_for(SECURE)


def test_lower_case_wins_and_an_empty_value_means_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://upper:1")
    monkeypatch.setenv("all_proxy", "http://lower:1")
    assert proxy_for(SECURE) == "http://lower:1"
    monkeypatch.setenv("all_proxy", "")
    assert not proxy_for(SECURE)


@pytest.mark.parametrize(
    ("variable", "written", "meant"),
    [
        ("all_proxy", "proxy.lan:3128", "http://proxy.lan:3128"),
        ("https_proxy", "me:secret@proxy.lan:3128", "http://me:secret@proxy.lan:3128"),
        ("https_proxy", " http://proxy.lan:3128/ ", "http://proxy.lan:3128/"),
        ("all_proxy", "socks://proxy.lan:1080/", "socks5h://proxy.lan:1080/"),
        ("all_proxy", "socks5://proxy.lan", "socks5://proxy.lan:1080"),
        ("all_proxy", "socks5h://[fe80::1]", "socks5h://[fe80::1]:1080"),
        ("socks_proxy", "proxy.lan:1080", "socks5h://proxy.lan:1080"),
        ("socks_proxy", "http://proxy.lan:1080", "socks5h://proxy.lan:1080"),
        ("socks_proxy", "socks4://proxy.lan:1080", "socks4://proxy.lan:1080"),
    ],
)
def test_an_address_is_accepted_as_people_write_it(
    variable: str, written: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, written)

    assert proxy_for(SECURE) == meant


@pytest.mark.parametrize(
    ("url", "no_proxy", "is_excepted"),
    [
        ("ws://box.lan:8080/", "*", True),
        ("ws://box.lan:8080/", "other, *", True),
        ("ws://box.lan:8080/", "box.lan", True),
        ("ws://BOX.lan:8080/", "example.org,Box.LAN", True),
        ("ws://box.lan:8080/", "other box.lan", True),
        ("ws://box.lan:8080/", "lan", True),
        ("ws://box.lan:8080/", ".lan", True),
        ("ws://box.lan:8080/", "*.lan", True),
        ("ws://box.lan:8080/", "box.lan:8080", True),
        ("ws://box.lan:8080/", "box.lan:443", False),
        ("wss://box.lan/", "box.lan:443", True),
        ("ws://box.lan/", "box.lan:80", True),
        ("ws://box.lan:8080/", "ox.lan", False),
        ("ws://box.lan:8080/", "", False),
        ("ws://box.lan:8080/", " , ", False),
        ("ws://192.168.1.7:8080/", "192.168.1.7", True),
        ("ws://192.168.1.7:8080/", "192.168.0.0/16", True),
        ("ws://192.168.1.7:8080/", "10.0.0.0/8", False),
        ("ws://192.168.1.7:8080/", "192.168.1.7:8080", True),
        ("ws://192.168.1.7:8080/", "192.168.1.7:80", False),
        ("ws://[fd00::7]:8080/", "fd00::7", True),
        ("ws://[fd00::7]:8080/", "[fd00::7]", True),
        ("ws://[fd00::7]:8080/", "[fd00::7]:8080", True),
        ("ws://[fd00::7]:8080/", "[fd00::7]:80", False),
        ("ws://[fd00::7]:8080/", "fd00::/8", True),
        ("ws://box.lan:8080/", "192.168.0.0/16", False),
        ("ws://box.lan:8080/", "fd00::7", False),
    ],
)
def test_no_proxy_is_read_as_other_programs_read_it(
    url: str, no_proxy: str, monkeypatch: pytest.MonkeyPatch, *, is_excepted: bool
) -> None:
    monkeypatch.setenv("all_proxy", "http://proxy:1")
    monkeypatch.setenv("no_proxy", no_proxy)

    assert (proxy_for(url) == "") is is_excepted
    assert (address_of(ServiceSettings(url=url), None).proxy == "") is is_excepted


@pytest.mark.parametrize("proxy", ["http://[broken", "", "http://me:secret@10.0.0.1:3128"])
def test_no_password_is_shown(proxy: str) -> None:
    assert "secret" not in shown_proxy(proxy)


def test_only_a_proxy_of_socks_is_given_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.lan")

    assert proxy_for(SECURE) == "http://proxy.lan"


@pytest.mark.parametrize(
    ("no_proxy", "url", "is_excepted"),
    [
        ("10.1.2.3/8", "ws://10.9.9.9/x", True),
        ("10.1.2.3/8", "ws://11.9.9.9/x", False),
        (".", "ws://box.local./x", False),
        ("*.", "ws://box.local./x", False),
        ("box.local", "ws:///x", False),
    ],
)
def test_an_unusual_no_proxy_entry_excludes_only_what_it_names(
    no_proxy: str, url: str, monkeypatch: pytest.MonkeyPatch, *, is_excepted: bool
) -> None:
    monkeypatch.setenv("all_proxy", "http://proxy.lan:3128")
    monkeypatch.setenv("no_proxy", no_proxy)

    assert proxy_for(url) == ("" if is_excepted else "http://proxy.lan:3128")
