"""Declared web services as tools, against a real server on this machine."""

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from edgevoice.core.facts import Event, ToolCall, ToolFinished
from edgevoice.errors import ToolRefused
from edgevoice.settings.http_tools import HttpToolSettings
from edgevoice.tools.http_client import MOST_BYTES
from edgevoice.tools.http_tool import HttpSource, HttpTool
from edgevoice.tools.registry import Registry
from edgevoice.tools.runner import ToolLimits, ToolRunner
from edgevoice.tools.tool import ToolContext
from tests.tools.calling import called
from tests.waiting import eventually

SECRET = "hunter2"
TOWN = {"type": "string", "maxLength": 80, "description": "the town"}
DAYS = {"type": "integer", "minimum": 1, "maximum": 7}


class Service(ThreadingHTTPServer):
    """Answers each path as ``answers`` says, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.release = threading.Event()

    @property
    def place(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def answer(self) -> None:
        server = self.server
        assert isinstance(server, Service)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server.asked.append((self.command, self.path, dict(self.headers), body))
        path = self.path.partition("?")[0]
        if path == "/hang":
            server.release.wait(10)
        if path in {"/drips", "/goes-on"}:
            self.drip(b"X-Piece: 1\r\n" if path == "/drips" else b"HTTP/1.1 100 Continue\r\n\r\n", server.release)
        status, headers, content = server.answers.get(path, (200, {"Content-Type": "application/json"}, b'{"ok": 1}'))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def drip(self, piece: bytes, release: threading.Event) -> None:
        """Send pieces of a head, each well within the limit, for 3 s."""
        if piece.startswith(b"X"):
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        with contextlib.suppress(OSError):
            for _ in range(60):
                self.wfile.write(piece)
                if release.wait(0.05):
                    break

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names that the base class looks for

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature of the base class
        """Be quiet."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.release.set()
        server.shutdown()
        thread.join()


def tool_at(url: str, headers: dict[str, str] | None = None, **settings: Any) -> HttpTool:
    declared = HttpToolSettings(description="Ask the service.", url=url, **settings)
    return HttpTool("ask_it", declared, url, headers or {}, timeout_s=10)


def forecast(service: Service, **settings: Any) -> HttpTool:
    properties = {"town": TOWN, "days": DAYS}
    return tool_at(
        f"{service.place}/v1/{{town}}?days={{days}}&lang=en",
        parameters={"properties": properties, "required": ["town"]},
        **settings,
    )


def ask(tool: HttpTool, arguments: str = "", context: ToolContext | None = None) -> Any:
    return asyncio.run(called(tool, arguments, context))


def refusal(tool: HttpTool, arguments: str = "") -> str:
    with pytest.raises(ToolRefused) as refused:
        ask(tool, arguments)
    return str(refused.value)


def test_the_model_sees_the_declared_schema(service: Service) -> None:
    definition = forecast(service, requires_approval=True, timeout_s=3).definition

    assert (definition.name, definition.description) == ("ask_it", "Ask the service.")
    assert definition.parameters == {
        "type": "object",
        "properties": {"town": TOWN, "days": DAYS},
        "required": ["town"],
    }
    assert (definition.requires_approval, definition.timeout_s) == (True, 3)
    assert "required" not in tool_at("http://x").definition.parameters


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ('{"town": "Bergen", "days": 3}', "/v1/Bergen?days=3&lang=en"),
        ('{"town": "Bergen"}', "/v1/Bergen?lang=en"),
        ('{"town": "Bergen", "days": null}', "/v1/Bergen?lang=en"),
        ('{"town": "a/../../b?c=d&e#f", "days": 1}', "/v1/a%2F..%2F..%2Fb%3Fc%3Dd%26e%23f?days=1&lang=en"),
        ('{"town": "Ærø \\r\\nX: y"}', "/v1/%C3%86r%C3%B8%20%0D%0AX%3A%20y?lang=en"),
    ],
)
def test_arguments_stay_where_the_template_puts_them(service: Service, arguments: str, path: str) -> None:
    assert ask(forecast(service), arguments) == {"ok": 1}

    ((method, asked, _, _),) = service.asked
    assert (method, asked) == ("GET", path)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ('{"town": ".."}', "an argument is . or .., which an address cannot contain"),
        ('{"town": "."}', "an argument is . or .., which an address cannot contain"),
        ('{"town": "\\ud800"}', "the arguments are not valid JSON"),
        ("{}", "town is missing"),
        ('{"town": "B", "days": 9}', "days is 9; it must be between 1 and 7"),
        ('{"town": 3}', "town is 3; it must be a text of at most 80 characters"),
        ('{"town": "B", "place": "C"}', 'there is no argument "place"; ask_it takes town, days'),
        ('{"town": "B", "town": "C"}', "the arguments name town twice"),
        ("[]", "the arguments must be a JSON object"),
    ],
)
def test_arguments_are_checked_before_anything_is_asked(service: Service, arguments: str, complaint: str) -> None:
    assert refusal(forecast(service), arguments) == complaint
    assert service.asked == []


def test_every_declared_type_is_understood(service: Service) -> None:
    properties = {
        "mode": {"type": "string", "enum": ["on", "off"]},
        "level": {"type": "number", "default": 0.5},
        "is_loud": {"type": "boolean"},
        "rooms": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
    }
    tool = tool_at(
        f"{service.place}/?m={{mode}}&l={{level}}&n={{is_loud}}&r={{rooms}}", parameters={"properties": properties}
    )

    ask(tool, '{"mode": "on", "is_loud": true, "rooms": ["hall", "a,b"]}')

    assert service.asked[0][1] == "/?m=on&l=0.5&n=true&r=hall,a%2Cb"
    assert 'it must be "off" or "on"' in refusal(tool, '{"mode": "up"}')
    assert "rooms" in refusal(tool, '{"rooms": ["a", "b", "c"]}')


def test_a_body_is_declared_as_a_template_that_keeps_types(service: Service) -> None:
    properties = {"town": TOWN, "days": DAYS, "note": {"type": "string"}}
    body = {"where": {"name": "{town}", "text": "in {town} for {days}"}, "days": ["{days}", "{note}", 1], "n": "{note}"}
    tool = tool_at(f"{service.place}/post", method="POST", parameters={"properties": properties}, body=body)

    ask(tool, '{"town": "\\"B\\"", "days": 3}')

    ((method, _, headers, content),) = service.asked
    assert (method, headers["Content-Type"]) == ("POST", "application/json")
    assert json.loads(content) == {"where": {"name": '"B"', "text": 'in "B" for 3'}, "days": [3, 1]}


def test_without_a_template_the_body_holds_what_is_not_in_the_address(service: Service) -> None:
    tool = tool_at(
        f"{service.place}/post/{{town}}",
        method="POST",
        parameters={"properties": {"town": TOWN, "days": DAYS}, "required": ["town"]},
    )

    ask(tool, '{"town": "Bergen", "days": 3}')

    assert json.loads(service.asked[0][3]) == {"days": 3}


@pytest.mark.parametrize(
    ("content", "media_type", "result", "expected"),
    [
        (b'{"daily": [{"rain": 0.5}]}', "application/json", "/daily/0", {"rain": 0.5}),
        (b'{"a/b": {"~": 3}}', "application/problem+json", "/a~1b/~0", 3),
        (b"[1, 2]", "text/plain", "/1", 2),
        (b"It rains.", "text/plain; charset=utf-8", "", "It rains."),
        (b"\xe6r", "text/plain; charset=latin-1", "", "ær"),
        (b"", "application/json", "/daily", None),
    ],
)
def test_the_model_gets_the_part_of_the_answer_that_is_declared(
    service: Service, content: bytes, media_type: str, result: str, expected: object
) -> None:
    service.answers["/now"] = (200, {"Content-Type": media_type}, content)

    if content:
        assert ask(tool_at(f"{service.place}/now", result=result)) == expected
    else:
        assert "nothing at" in refusal(tool_at(f"{service.place}/now", result=result))
        assert ask(tool_at(f"{service.place}/now")) is None


@pytest.mark.parametrize(
    ("answer", "settings", "problem"),
    [
        ((404, {}, b"hunter2"), {}, "the service answered with the status 404"),
        ((500, {"Content-Type": "application/json"}, b'{"error": "hunter2"}'), {}, "with the status 500"),
        ((200, {"Content-Type": "application/json"}, b"{hunter2"), {}, "the service's answer is not valid JSON"),
        ((200, {"Content-Type": "image/png"}, b"hunter2"), {}, "the service's answer is neither JSON nor text"),
        ((200, {"Content-Type": "text/plain; charset=x"}, b"a"), {}, "in an unknown character set"),
        (
            (200, {"Content-Type": "text/plain", "Content-Encoding": "gzip"}, b"a"),
            {},
            "the service's answer is compressed",
        ),
        ((200, {}, b'{"a": 1}'), {"result": "/b"}, "the service's answer has nothing at /b"),
        ((200, {}, b"[1]"), {"result": "/1"}, "the service's answer has nothing at /1"),
        ((200, {}, b"x" * (MOST_BYTES + 1)), {}, f"the service's answer is longer than {MOST_BYTES} bytes"),
        (
            (302, {"Location": "http://other.example/?k=hunter2"}, b""),
            {},
            "redirects to another host, which is refused",
        ),
        ((302, {"Location": "https://127.0.0.1/"}, b""), {}, "redirects to another host, which is refused"),
        ((302, {"Location": "file:///etc/passwd"}, b""), {}, "the service answered with the status 302"),
        ((302, {"Location": "/now"}, b""), {}, "the service answered with the status 302"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_failure_is_one_line_for_the_model_and_named_in_the_log_without_its_content(
    service: Service,
    answer: tuple[int, dict[str, str], bytes],
    settings: dict[str, Any],
    problem: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    service.answers["/now"] = answer
    tool = tool_at(f"{service.place}/now?key={SECRET}", {"Authorization": f"Bearer {SECRET}"}, **settings)

    with caplog.at_level(logging.DEBUG):
        text = refusal(tool)

    assert problem in text
    (entry,) = (each for each in caplog.records if each.name == "edgevoice.tools.http_tool")
    assert (entry.msg, vars(entry)["fields"]) == ("http-tool-failed", {"tool": "ask_it", "problem": text})
    assert SECRET not in caplog.text + text


def test_a_redirect_within_the_host_is_followed_with_the_secret(service: Service) -> None:
    service.answers["/now"] = (302, {"Location": "/later"}, b"")

    assert ask(tool_at(f"{service.place}/now", {"Authorization": f"Bearer {SECRET}"})) == {"ok": 1}
    assert [(path, headers["Authorization"]) for _, path, headers, _ in service.asked] == [
        ("/now", f"Bearer {SECRET}"),
        ("/later", f"Bearer {SECRET}"),
    ]


def test_the_secret_never_reaches_another_host(service: Service) -> None:
    with Service() as other:
        thread = threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        service.answers["/now"] = (307, {"Location": f"{other.place}/steal"}, b"")
        refused = refusal(tool_at(f"{service.place}/now", {"Authorization": f"Bearer {SECRET}"}))
        other.shutdown()
        thread.join()

    assert "another host" in refused
    assert other.asked == []


def test_a_certificate_that_nobody_vouches_for_is_refused(service: Service) -> None:
    # A server without TLS has no certificate at all; that an invalid one is refused is the library's default.
    assert refusal(tool_at(service.place.replace("http", "https") + "/")) == "the service cannot be reached"


def test_a_service_that_is_not_there_cannot_be_reached() -> None:
    assert refusal(tool_at("http://127.0.0.1:9/")) == "the service cannot be reached"


def test_a_call_that_was_cancelled_ends_with_the_next_piece_of_the_answer(service: Service) -> None:
    context = ToolContext()
    context.cancel()

    with pytest.raises(ToolRefused, match="did not answer in time"):
        ask(tool_at(f"{service.place}/now"), context=context)


def test_a_service_that_hangs_costs_its_time_limit_and_nothing_else(service: Service) -> None:
    reported: list[Event] = []

    async def test() -> None:
        tool = tool_at(f"{service.place}/hang", timeout_s=0.2)
        runner = ToolRunner(Registry([HttpSource([tool])]), reported.append, ToolLimits())
        runner.run(ToolCall("c1", "ask_it", ""))
        await eventually(lambda: reported != [])

    asyncio.run(test())
    (finished,) = reported
    assert isinstance(finished, ToolFinished)
    assert "in time" in finished.output or "did not answer within 0.2 seconds" in finished.output


@pytest.mark.parametrize("path", ["/drips", "/goes-on"])
def test_a_head_that_comes_in_drops_costs_the_time_limit_in_all(service: Service, path: str) -> None:
    """Else the thread would stay, and its place among the calls that run at once."""
    assert refusal(tool_at(f"{service.place}{path}", timeout_s=0.3)) == "the service did not answer in time"


def test_an_answer_that_is_cut_short_is_none(service: Service) -> None:
    service.answers["/short"] = 200, {"Content-Type": "text/plain", "Content-Length": "50"}, b"It is not"

    assert refusal(tool_at(f"{service.place}/short")) == "the service's answer was cut short"


def test_a_source_offers_what_is_declared() -> None:
    source = HttpSource([tool_at("http://x")])
    source.on_change(lambda: None)

    assert [each.definition.name for each in source.tools()] == ["ask_it"]
    assert source.may_offer("ask_it")
    assert not source.may_offer("another")
