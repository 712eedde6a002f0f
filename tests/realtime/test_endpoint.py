"""Where to connect: the address for each dialect, and a key that is never shown."""

import asyncio
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from edgevoice.realtime.endpoint import Endpoint, local, remote, session_id
from edgevoice.settings.service import ServiceSettings

KEY = "c2VjcmV0OmtleS10aGF0LW5vYm9keS1tYXktc2Vl"


def query(endpoint: Endpoint) -> dict[str, list[str]]:
    return parse_qs(urlsplit(endpoint.url).query)


async def prepared_by(endpoint: Endpoint) -> None:
    await endpoint.prepare()


def test_inworld_gets_a_fresh_session_id_and_the_key_as_basic() -> None:
    first, second = remote(ServiceSettings(), KEY), remote(ServiceSettings(), KEY)

    assert first.url.startswith("wss://api.inworld.ai/api/v1/realtime/session?")
    assert query(first)["protocol"] == ["realtime"]
    assert re.fullmatch(r"edgevoice-[0-9a-f]{16}", query(first)["key"][0])
    assert query(first)["key"] != query(second)["key"]
    assert first.headers == {"Authorization": f"Basic {KEY}"}
    assert first.socket is None


def test_the_other_dialect_gets_the_model_and_the_key_as_bearer() -> None:
    service = ServiceSettings(url="wss://api.openai.com/v1/realtime", model="gpt-realtime")

    endpoint = remote(service, KEY)

    assert endpoint.url == "wss://api.openai.com/v1/realtime?model=gpt-realtime"
    assert endpoint.headers == {"Authorization": f"Bearer {KEY}"}


def test_parameters_already_in_the_address_take_precedence() -> None:
    service = ServiceSettings(url="wss://box.inworld.ai/realtime?key=my-session&x=a%20b")

    assert query(remote(service, KEY)) == {"key": ["my-session"], "protocol": ["realtime"], "x": ["a b"]}


@pytest.mark.parametrize(
    "written",
    [
        "api-version=2026-01-01&blank=&flag&model=",
        "tag=a&tag=b&model=m&tag=a",
        "z=1&a=2&model=x%2Fy%20z+w",
        "model=a;b&q=%C3%A9&r=~-._!$'()*,:@/?",
        "model=m&&x=1&",
    ],
)
def test_a_query_goes_out_as_it_is_written(written: str) -> None:
    service = ServiceSettings(url=f"wss://box.example.org/v1/realtime?{written}", model="ours")

    assert remote(service, KEY).url == f"wss://box.example.org/v1/realtime?{written}"


def test_missing_parameters_are_appended_to_the_query() -> None:
    openai = ServiceSettings(url="wss://box.example.org/x?tag=a&tag=&b", model="a/b")
    inworld = ServiceSettings(url="wss://box.inworld.ai/x?b=%20&key=")

    assert remote(openai, KEY).url == "wss://box.example.org/x?tag=a&tag=&b&model=a%2Fb"
    assert remote(inworld, KEY).url == "wss://box.inworld.ai/x?b=%20&key=&protocol=realtime"


def test_the_owner_may_choose_how_the_key_is_presented() -> None:
    assert remote(ServiceSettings(auth="bearer"), KEY).headers == {"Authorization": f"Bearer {KEY}"}
    service = ServiceSettings(url="ws://127.0.0.1:9/", auth="basic")
    assert remote(service, KEY).headers == {"Authorization": f"Basic {KEY}"}


def test_a_model_with_strange_letters_is_escaped() -> None:
    endpoint = remote(ServiceSettings(url="ws://box/", model="a/b c&d=é"), "")

    assert query(endpoint) == {"model": ["a/b c&d=é"]}
    assert endpoint.url.isascii()


def test_without_a_key_no_credentials_are_sent() -> None:
    assert remote(ServiceSettings(url="ws://127.0.0.1:8080/v1"), "").headers == {}


def test_the_local_service_uses_a_socket_and_no_port() -> None:
    prepared: list[str] = []

    async def prepare() -> None:
        prepared.append("yes")

    endpoint = local(Path("/run/edgevoice/local.sock"), prepare)
    asyncio.run(prepared_by(endpoint))

    assert endpoint.socket == Path("/run/edgevoice/local.sock")
    assert urlsplit(endpoint.url).path == "/api/v1/realtime/session"
    assert set(query(endpoint)) == {"key", "protocol"}
    assert endpoint.host == "/run/edgevoice/local.sock"
    assert prepared == ["yes"]


def test_a_service_on_the_network_needs_no_preparing() -> None:
    asyncio.run(prepared_by(remote(ServiceSettings(), KEY)))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("wss://api.inworld.ai/api?key=x", "api.inworld.ai"),
        ("ws://user:secret@box.local:8080/", "box.local:8080"),
        ("ws://[::1]:8080/", "[::1]:8080"),
    ],
)
def test_what_may_be_shown_of_an_address_is_host_and_port(url: str, host: str) -> None:
    assert Endpoint(url).host == host


def test_neither_key_nor_address_show_in_a_repr() -> None:
    shown = repr(remote(ServiceSettings(url="wss://user:secret@box.local/?token=hidden"), KEY))

    for hidden in (KEY, "secret", "hidden"):
        assert hidden not in shown


def test_session_ids_are_never_the_same() -> None:
    assert len({session_id() for _ in range(1000)}) == 1000


def test_the_transcription_of_the_user_depends_on_the_dialect() -> None:
    openai = ServiceSettings(url="wss://api.openai.com/v1/realtime")

    assert not remote(openai, KEY).rewrites
    assert remote(ServiceSettings(), KEY).rewrites
    assert local(Path("/run/socket")).rewrites


def test_the_local_service_receives_a_session_id_and_not_the_owners_key() -> None:
    endpoint = local(Path("/run/socket"))

    assert endpoint.url.startswith("ws://localhost/api/v1/realtime/session?")
    assert query(endpoint)["protocol"] == ["realtime"]
    assert re.fullmatch(r"edgevoice-[0-9a-f]{16}", query(endpoint)["key"][0])
    assert endpoint.headers == {"Authorization": "Basic local"}


def test_the_secrets_are_everything_secret_that_service_or_proxy_receive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("wss_proxy", "http://you:hush@proxy.lan:3128")
    endpoint = Endpoint("wss://me:pass@box.local/x?token=t1&model=m", {"Authorization": f"Basic {KEY}", "X-Key": "x1"})

    assert set(endpoint.secrets()) - {""} == {KEY, "x1", "me", "pass", "t1", "you", "hush"}
    assert endpoint.redactor(f"no {KEY}, hush") == "no (hidden), (hidden)"
    assert endpoint.proxy_url == "http://you:hush@proxy.lan:3128"
    assert endpoint.proxy == "proxy.lan:3128"


def test_a_service_on_a_socket_has_no_secrets_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "http://you:hush@proxy.lan:3128")
    endpoint = Endpoint("ws://localhost/?key=k1", {"Authorization": "Basic local"}, Path("/run/socket"))

    assert list(endpoint.secrets()) == []
    assert endpoint.proxy_url == endpoint.proxy == ""


def test_an_invalid_address_has_no_proxy_and_shows_no_secret() -> None:
    endpoint = Endpoint("wss://[broken", {"Authorization": f"Basic {KEY}"})

    assert list(endpoint.secrets()) == [KEY]
    assert endpoint.proxy == ""
    with pytest.raises(ValueError, match="Invalid IPv6"):
        _ = endpoint.proxy_url
