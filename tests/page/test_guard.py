"""Only this page, under this machine's own names, is answered."""

import pytest

from edgevoice.page.guard import (
    cookie_in,
    cookie_to_set,
    is_of_this_machine,
    is_our_host,
    is_our_origin,
    names_of,
)

NAMES = names_of("Kitchen.fritz.box", ["speaker.example.org"])


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8480",
        "127.0.0.1:8480",
        "192.168.1.7",
        "[::1]:8480",
        "[fe80::1]",
        "kitchen",
        "KITCHEN.local:8480",
        "kitchen.fritz.box",
        "kitchen.local.",
        "speaker.example.org",
    ],
)
def test_this_machine_is_known_by_its_names_and_by_any_address(host: str) -> None:
    assert is_our_host(host, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:8480",
        "localhost.evil.example",
        "kitchen.evil.example",
        "127.0.0.1.evil.example",
        "evil.example@localhost",
        "localhost:port",
        "localhost:99999999",
        "localhost/x",
        "localhost?x",
        "[::1",
        "kitchen.local..",
    ],
)
def test_a_foreign_name_that_points_here_is_refused(host: str | None) -> None:
    assert not is_our_host(host, NAMES)


@pytest.mark.parametrize(
    ("origin", "is_ours"),
    [
        ("http://localhost:8480", True),
        ("https://localhost:8480", True),
        ("http://localhost:8123", False),
        ("http://localhost", False),
        ("http://evil.example", False),
        ("http://localhost:8480.evil.example", False),
        ("null", False),
        (None, False),
    ],
)
def test_only_a_document_of_the_very_same_host_and_port_may_connect(origin: str | None, *, is_ours: bool) -> None:
    assert is_our_origin(origin, "localhost:8480") is is_ours


@pytest.mark.parametrize(
    ("peer", "is_here"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("::ffff:127.0.0.1", True)]
    + [(peer, False) for peer in ("192.168.1.9", "::ffff:192.168.1.9", "fe80::1%eth0", "", "nowhere")],
)
def test_this_machine_is_told_from_others(peer: str, *, is_here: bool) -> None:
    assert is_of_this_machine(peer) is is_here


def test_no_script_reads_the_cookie_and_no_other_site_sends_it() -> None:
    set_to = cookie_to_set("secret", 30)

    assert {"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"} <= set(set_to.split("; "))
    assert "Max-Age=0" in cookie_to_set("", 30)
    assert cookie_in("other=1; edgevoice=secret; more=2") == "secret"


@pytest.mark.parametrize(
    "header", [None, "", "other=1", "edgevoice", "edgevoice=" + "x" * 500, "\x00;=", "edgevoice[]=x"]
)
def test_rubbish_in_place_of_the_cookie_is_no_cookie(header: str | None) -> None:
    assert cookie_in(header) == ""
