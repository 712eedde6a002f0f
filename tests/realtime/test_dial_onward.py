"""Where a redirect may lead, where it may not, and which names are the owner's own; no connection is made."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import pytest
from python_socks import ProxyType
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request, Response
from websockets.uri import parse_uri

from edgevoice.core.facts import LinkLost, LinkOpened
from edgevoice.errors import KeyRefused, LinkError, ServiceRefused, ServiceUnreachable
from edgevoice.realtime import dial
from edgevoice.realtime.endpoint import Endpoint
from tests.realtime.services import KEY, Service
from tests.realtime.test_dial import reported

SHOWN = {"Authorization": f"Basic {KEY}", "X-Box": "1"}
SECURE = Endpoint("wss://api.example.org/x", SHOWN)
PLAIN = Endpoint("ws://box.local/x", SHOWN)

PAGE = "Check service.url: a web page answers there, not a Realtime service."
ENCRYPT = "The service requires encryption: write wss://box.local in service.url."
TRUST = "The key is not sent to another host. If you trust it, name it in service.url."
READ = "Nothing is sent there. Check service.url; a proxy or firewall may be reading the traffic."


def answer(place: str | None, code: int = 302) -> InvalidStatus:
    headers = Headers() if place is None else Headers(Location=place)
    return InvalidStatus(Response(code, "", headers, b""))


@pytest.mark.parametrize(
    ("first", "place", "url", "is_same"),
    [
        (SECURE, "/there", "wss://api.example.org/there", True),
        (SECURE, "wss://api.example.org:443/there", "wss://api.example.org:443/there", True),
        (SECURE, "wss://API.example.org/there", "wss://API.example.org/there", True),
        (SECURE, "wss://api.example.org:444/there", "wss://api.example.org:444/there", False),
        (SECURE, "wss://other.example.org/there", "wss://other.example.org/there", False),
        (PLAIN, "ws://box.local:80/there", "ws://box.local:80/there", True),
        (PLAIN, "ws://box.local:443/there", "ws://box.local:443/there", False),
        (PLAIN, "wss://box.local/there", "wss://box.local/there", False),
        (PLAIN, f"ws://{'b' * 250}.home/", f"ws://{'b' * 250}.home/", False),
        (PLAIN, "ws://[fd00::7]:80/", "ws://[fd00::7]:80/", False),
    ],
)
def test_a_redirect_is_followed_with_the_key_to_the_same_origin_alone(
    first: Endpoint, place: str, url: str, *, is_same: bool
) -> None:
    onward = dial._onward(first, answer(place), first)

    assert onward is not None
    assert onward.url == url
    assert onward.headers == (SHOWN if is_same else {"X-Box": "1"})


@pytest.mark.parametrize(("place", "code"), [("/there", 200), ("/there", 304), ("/there", 401), (None, 302)])
def test_other_responses_are_not_followed(place: str | None, code: int) -> None:
    assert dial._onward(SECURE, answer(place, code), SECURE) is None


@pytest.mark.parametrize(
    ("first", "place", "words"),
    [
        (SECURE, f"wss://{KEY}.example.org/", "api.example.org redirects to an address that cannot be dialled (302)"),
        (SECURE, "wss://:443/x", "api.example.org redirects to an address that cannot be dialled (302)"),
        (SECURE, f"wss://{'b' * 256}/", "api.example.org redirects to an address that cannot be dialled (302)"),
        (SECURE, "https://api.example.org/x", f"api.example.org redirects to https://api.example.org (302). {PAGE}"),
        (PLAIN, "https://else.local/x", f"box.local redirects to https://else.local (302). {PAGE}"),
        (PLAIN, "http://box.local/x", f"box.local redirects to http://box.local (302). {PAGE}"),
        (
            PLAIN,
            "https://box.local/x",
            f"box.local redirects to https://box.local (302). {ENCRYPT}",
        ),
        (
            SECURE,
            "ws://api.example.org/x",
            f"api.example.org redirects to ws://api.example.org (302), which is not encrypted. {READ}",
        ),
    ],
)
def test_a_redirect_that_may_not_be_followed_says_why(first: Endpoint, place: str, words: str) -> None:
    with pytest.raises(ServiceRefused) as refused:
        dial._onward(first, answer(place), first)

    assert refused.value.line().startswith(words)


@pytest.mark.parametrize(("redirects", "is_open"), [(5, True), (6, False)])
def test_five_redirects_are_followed_and_a_sixth_is_not(redirects: int, *, is_open: bool) -> None:
    requests: list[str] = []

    def redirect(connection: ServerConnection, request: Request) -> Response | None:
        requests.append(request.path)
        if len(requests) > redirects:
            return None
        response = connection.respond(HTTPStatus.FOUND, "")
        response.headers["Location"] = f"/{len(requests)}"
        return response

    async def live() -> list[Any]:
        async with Service().listening(process_request=redirect) as url:
            return list((await reported(url)).arrivals)

    lost = LinkLost("service-refused", is_retriable=False)
    assert asyncio.run(live()) == [LinkOpened() if is_open else lost]
    assert len(requests) == 6


# --- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "kind", "words"),
    [
        (SECURE, KeyRefused, "api.example.org refused the key (401)"),
        (
            Endpoint("wss://else.org/", {}),
            ServiceRefused,
            f"api.example.org redirects to else.org, which refuses a session without the key. {TRUST}",
        ),
    ],
)
def test_only_a_host_that_was_shown_the_key_refuses_it(there: Endpoint, kind: type[LinkError], words: str) -> None:
    failure = dial._failure(answer(None, 401), there, SECURE)

    assert type(failure) is kind
    assert failure.line().startswith(words)


def test_a_host_that_wants_a_key_where_there_is_none_refuses_the_key() -> None:
    without = Endpoint("wss://api.example.org/x")

    assert type(dial._failure(answer(None, 401), without, without)) is KeyRefused


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (EOFError("stream ends"), ServiceUnreachable),
        (ImportError("python-socks"), ServiceUnreachable),
        (ConnectionRefusedError(111, "no"), ServiceUnreachable),
        (ValueError("no such port"), ServiceRefused),
    ],
    ids=repr,
)
def test_whatever_a_dial_fails_with_is_an_error_of_the_link(
    failure: Exception, kind: type[LinkError], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_there: Endpoint, _options: Mapping[str, Any]) -> None:
        raise failure

    monkeypatch.setattr(dial, "_open", fail)

    with pytest.raises(LinkError) as refused:
        asyncio.run(dial.dial(SECURE, {}))
    assert type(refused.value) is kind
    assert refused.value.__cause__ is failure


# --- the way ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["socks5h", "socks5", "socks4a", "socks4"])
def test_each_kind_of_socks_proxy_is_reached_by_whichever_of_its_addresses_answers(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hops: list[tuple[str, int]] = []

    async def open_tcp(host: str, port: int) -> None:
        hops.append((host, port))
        raise ConnectionRefusedError(111, "no")

    monkeypatch.setattr(dial, "open_tcp", open_tcp)
    monkeypatch.setenv("all_proxy", f"{scheme}://proxy.lan:1081")

    with pytest.raises(ServiceUnreachable):
        asyncio.run(dial.dial(Endpoint("ws://127.0.0.1:9/x"), {}))
    assert hops == [("proxy.lan", 1081)]


@pytest.mark.parametrize(
    ("scheme", "kind", "looks_up"),
    [
        ("socks5h", ProxyType.SOCKS5, True),
        ("socks5", ProxyType.SOCKS5, False),
        ("socks4a", ProxyType.SOCKS4, True),
        ("socks4", ProxyType.SOCKS4, False),
    ],
)
def test_a_socks_proxy_is_given_its_user_and_password_and_where_to_go(
    scheme: str, kind: ProxyType, monkeypatch: pytest.MonkeyPatch, *, looks_up: bool
) -> None:
    made: list[dict[str, Any]] = []

    class Way:
        def __init__(self, **options: Any) -> None:
            made.append(options)

        async def connect(self, *place: object) -> None:
            made[0]["place"] = place
            raise ConnectionRefusedError(111, "no")

    monkeypatch.setattr(dial, "SocksProxy", Way)
    monkeypatch.setenv("all_proxy", f"{scheme}://me:hush@proxy.lan:1081")

    with pytest.raises(ServiceUnreachable):
        asyncio.run(dial.dial(Endpoint("wss://api.example.org/x", SHOWN), {}))
    forward = made[0].pop("forward")
    assert made == [
        {
            "proxy_type": kind,
            "host": "proxy.lan",
            "port": 1081,
            "username": "me",
            "password": "hush",
            "rdns": looks_up,
            "place": ("api.example.org", 443),
        }
    ]
    assert isinstance(forward, dial._FirstHop)


@pytest.mark.parametrize(
    ("place", "is_own"),
    [
        *[(f"Box.{domain}", True) for domain in ("local", "localhost", "lan", "home", "internal", "home.arpa")],
        *[(f"a.box.{domain}", True) for domain in ("test", "invalid", "LOCAL")],
        ("box", True),
        ("localhost", True),
        ("10.1.2.3", True),
        ("fe80::7%eth0", True),
        ("2606:4700::1", False),
        ("8.8.8.8", False),
        ("example.org", False),
        ("local.example.org", False),
        ("box.notlocal", False),
        ("home.arpanet", False),
    ],
)
def test_a_name_is_the_owners_by_its_last_part(place: str, *, is_own: bool) -> None:
    assert dial._is_own_network(place) is is_own


class Peer:
    """A socket that was connected; ``place`` is its peer, ``None`` if it has broken since."""

    def __init__(self, place: str | None) -> None:
        self._place = place
        self.is_closed = False

    def getpeername(self) -> tuple[str, int]:
        if self._place is None:
            raise OSError(107, "not connected")
        return self._place, 80

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize(
    ("endpoint", "place", "is_kept"),
    [
        (PLAIN, "192.168.1.7", True),
        (PLAIN, "8.8.8.8", False),
        (PLAIN, None, False),
        (Endpoint("ws://box.local/x", {"X-Box": "1"}), "8.8.8.8", True),
        (Endpoint("wss://box.local:80/x", SHOWN), "8.8.8.8", True),
    ],
)
def test_a_connection_over_which_the_key_may_not_be_sent_is_closed(
    endpoint: Endpoint, place: str | None, monkeypatch: pytest.MonkeyPatch, *, is_kept: bool
) -> None:
    peer = Peer(place)

    async def open_tcp(host: str, port: int) -> Peer:
        assert (host, port) == ("box.local", 80)
        return peer

    async def live() -> bool:
        try:
            return await dial._directly(endpoint, parse_uri(endpoint.url)) is peer  # type: ignore[comparison-overlap]  # it stands in for a socket
        except (ServiceRefused, OSError):
            return False

    monkeypatch.setattr(dial, "open_tcp", open_tcp)

    assert asyncio.run(live()) is is_kept
    assert peer.is_closed is not is_kept
