"""The tool `home` against a small Home Assistant on this machine: what is said is spoken, and so is what fails."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from edgevoice.errors import ToolRefused
from edgevoice.settings.integrations import HomeSettings
from edgevoice.tools.home import HomeAssistant, home_source
from edgevoice.tools.tool import ToolContext

TOKEN = "a-long-lived-token"
DONE = {
    "response": {
        "response_type": "action_done",
        "speech": {"plain": {"speech": "Turned on the light", "extra_data": None}},
        "data": {"success": [], "failed": []},
        "language": "en",
    },
    "conversation_id": "c-1",
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer({"message": "API running."} if self.path == "/api/" else None)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server = self.server
        assert isinstance(server, SmallHome)
        server.asked.append(json.loads(body))
        self._answer(server.answer if self.path == "/api/conversation/process" else None)

    def _answer(self, content: Any) -> None:
        server = self.server
        assert isinstance(server, SmallHome)
        is_allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        status = server.status or (200 if is_allowed and content is not None else 404 if is_allowed else 401)
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class SmallHome(ThreadingHTTPServer):
    """Checks the token, and answers every sentence with ``answer``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer: Any = DONE
        self.status = 0
        self.asked: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def home() -> Iterator[SmallHome]:
    with SmallHome() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def called(url: str, text: str, token: str = TOKEN, **settings: Any) -> Any:
    """Call the tool as the model does."""
    (tool,) = home_source(HomeSettings(url=url, **settings), token, "de").tools()

    async def call() -> Any:
        return await tool.call(tool.check(json.dumps({"text": text})), ToolContext())

    return asyncio.run(call())


def test_a_wish_is_passed_on_and_the_answer_comes_back(home: SmallHome) -> None:
    answered = called(home.url, "turn on the light", agent="conversation.mine")

    assert answered == {"home_assistant_says": "Turned on the light", "kind": "action_done"}
    assert home.asked == [{"text": "turn on the light", "language": "de", "agent_id": "conversation.mine"}]


def test_what_is_said_next_belongs_to_the_same_conversation(home: SmallHome) -> None:
    assistant = HomeAssistant(HomeSettings(url=home.url), TOKEN, "en")

    assistant.tell("turn on the light", lambda: False)
    assistant.tell("and off again", lambda: False)

    # The real one refuses a null with the status 400.
    assert [asked.get("conversation_id", "none") for asked in home.asked] == ["none", "c-1"]
    assert "agent_id" not in home.asked[0]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (
            {"response": {"response_type": "error", "speech": {"plain": {"speech": "Sorry, no such light"}}}},
            "could not do it and says: Sorry, no such light",
        ),
        ({"response": {"response_type": "error"}}, "says: no reason"),
        ({"hello": 1}, "cannot be understood"),
        (b"<html>", "cannot be understood"),
        (b"[" * 100_000, "cannot be understood"),
        ({"response": {"speech": 7}}, "cannot be understood"),
    ],
)
def test_what_home_assistant_cannot_do_is_a_reason_to_be_spoken(home: SmallHome, answer: Any, problem: str) -> None:
    home.answer = answer

    with pytest.raises(ToolRefused, match=problem):
        called(home.url, "turn on the light")


@pytest.mark.parametrize(
    ("status", "problem"),
    [(401, "refused the access token"), (404, "no conversation API"), (500, "cannot be reached.*status 500")],
)
def test_a_refusal_says_what_the_owner_can_do_and_never_shows_the_token(
    home: SmallHome, status: int, problem: str
) -> None:
    home.status = status

    with pytest.raises(ToolRefused, match=problem) as refused:
        called(home.url, "turn on the light")
    assert TOKEN not in str(refused.value)


def test_a_home_that_is_not_there_is_a_reason_to_be_spoken() -> None:
    with pytest.raises(ToolRefused, match="Home Assistant cannot be reached"):
        called("http://127.0.0.1:9", "turn on the light")


def test_the_address_and_the_token_can_be_checked_without_doing_anything(home: SmallHome) -> None:
    HomeAssistant(HomeSettings(url=home.url), TOKEN, "en").check()

    assert home.asked == []
    with pytest.raises(ToolRefused, match="refused the access token"):
        HomeAssistant(HomeSettings(url=home.url), "wrong", "en").check()


def test_another_service_at_the_address_is_noticed(home: SmallHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Handler, "do_GET", lambda handler: handler._answer([1]))

    with pytest.raises(ToolRefused, match="is not Home Assistant"):
        HomeAssistant(HomeSettings(url=home.url), TOKEN, "en").check()
