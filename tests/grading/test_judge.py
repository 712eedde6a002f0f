"""A judge's answer is untrusted: nonsense, silence and refusals leave a score out, in one line, and nothing else."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from edgevoice.grading.held import Exchange, HeldConversation, RecordedCall
from edgevoice.grading.judge import NotJudged, judge, judgement_in, request_of
from edgevoice.grading.scenarios import JudgeSettings
from edgevoice.grading.scorers import Score

HELD = HeldConversation(
    exchanges=(
        Exchange(
            said="What time is it?", heard="what time", answer="Noon.", calls=(RecordedCall("clock", "{}", "12"),)
        ),
    )
)


def answer(content: object) -> bytes:
    return json.dumps({"choices": [{"message": {"content": content}}]}).encode()


def settings(url: str = "http://127.0.0.1:9/v1/", timeout_s: float = 20.0) -> JudgeSettings:
    return JudgeSettings(url=url, model="small", timeout_s=timeout_s)


def test_the_judge_gets_the_criterion_and_the_conversation_as_data() -> None:
    asked = json.loads(request_of('Is it "brief"?', HELD, "small"))

    assert asked["model"] == "small"
    told = json.loads(asked["messages"][1]["content"])
    assert told == {
        "criterion": 'Is it "brief"?',
        "conversation": [
            {
                "person": "What time is it?",
                "heard": "what time",
                "assistant": "Noon.",
                "tools": [{"tool": "clock", "arguments": "{}", "result": "12"}],
            }
        ],
    }


@pytest.mark.parametrize(
    ("content", "value", "reason"),
    [
        ('{"score": 1, "reason": "brief"}', 1.0, "brief"),
        ('```json\n{"score": 0.25, "reason": "two\\nlines \\u001b[31m"}\n```', 0.25, "two lines"),
        ('I think: {"score": 0}', 0.0, ""),
        (f'{{"score": 0.5, "reason": "{"x" * 900}"}}', 0.5, "x" * 200),
    ],
)
def test_a_score_is_read_wherever_the_judge_puts_it(content: str, value: float, reason: str) -> None:
    assert judgement_in(answer(content)) == Score(scorer="judge", value=value, reason=reason)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'{"choices": []}',
        b'{"choices": [{"message": {"content": null}}]}',
        answer("The answer is very good."),
        answer('{"score": 7}'),
        answer('{"score": -0.1}'),
        answer('{"score": "1"}'),
        answer('{"score": true}'),
        answer('{"score": NaN}'),
        answer('{"reason": "no score"}'),
        answer([{"score": 1}]),
        answer("[" * 10_000),
    ],
)
def test_nonsense_is_no_score(body: bytes) -> None:
    with pytest.raises(NotJudged, match="the judge's answer is not a score"):
        judgement_in(body)


def asked(post: Callable[[str, Mapping[str, str], bytes, float], bytes], key: str = "secret") -> Score:
    return asyncio.run(judge(settings(), key, "Is it brief?", HELD, post))


def test_the_key_goes_into_a_header_and_nowhere_else() -> None:
    seen: list[Any] = []

    def post(url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> bytes:
        seen.extend([url, dict(headers), body])
        return answer('{"score": 1}')

    assert asked(post).value == 1.0
    url, headers, body = seen
    assert url == "http://127.0.0.1:9/v1/chat/completions"
    assert headers["Authorization"] == "Bearer secret"
    assert b"secret" not in body


def test_a_model_on_this_machine_needs_no_key() -> None:
    seen: list[Mapping[str, str]] = []

    def post(_url: str, headers: Mapping[str, str], _body: bytes, _timeout_s: float) -> bytes:
        seen.append(headers)
        return answer('{"score": 1}')

    asked(post, key="")

    assert "Authorization" not in seen[0]


def test_a_judge_that_answers_nonsense_leaves_the_score_out() -> None:
    found = asked(lambda *_: answer("Noon? What a thing to say!"))

    assert found == Score(scorer="judge", reason="not judged: the judge's answer is not a score")


# --- over HTTP -------------------------------------------------------------------------------------------------------


class _Judge(BaseHTTPRequestHandler):
    status = 200
    body = answer('{"score": 0.75, "reason": "brief"}')
    hangs: threading.Event | None = None

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.hangs is not None:
            # Drips: each byte is in time, the whole never is.
            self.send_response(200)
            self.end_headers()
            while not self.hangs.wait(0.05):
                self.wfile.write(b" ")
            return
        self.send_response(self.status)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served() -> Iterator[Callable[..., str]]:
    servers: list[ThreadingHTTPServer] = []

    def serve(**behaviour: object) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("_Served", (_Judge,), behaviour))
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        return f"http://127.0.0.1:{server.server_port}/v1"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def over_http(url: str, timeout_s: float = 20.0) -> Score:
    return asyncio.run(judge(settings(url, timeout_s), "secret", "Is it brief?", HELD))


def test_a_judgement_comes_over_http(served: Callable[..., str]) -> None:
    assert over_http(served()) == Score(scorer="judge", value=0.75, reason="brief")


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (401, "the judge refused the key (401)"),
        (404, "the judge's address or model does not exist (404)"),
        (429, "the judge is too busy (429)"),
        (500, "the judge answered with the status 500"),
        # The key and what was said are for one host only.
        (302, "the judge answered with the status 302"),
        (307, "the judge answered with the status 307"),
    ],
)
def test_a_refusal_leaves_the_score_out(served: Callable[..., str], status: int, why: str) -> None:
    assert over_http(served(status=status)) == Score(scorer="judge", reason=f"not judged: {why}")


def test_an_answer_without_end_is_not_read_to_its_end(served: Callable[..., str]) -> None:
    assert over_http(served(body=b" " * 300_000)).reason == "not judged: the judge's answer is too long"


def test_a_judge_that_is_down_leaves_the_score_out(served: Callable[..., str]) -> None:
    assert over_http("http://127.0.0.1:9/v1").reason == "not judged: the judge cannot be reached"


def test_a_slow_judge_is_not_waited_for(served: Callable[..., str]) -> None:
    released = threading.Event()
    try:
        # Less than the settings allow, for the test's sake.
        found = over_http(served(hangs=released), timeout_s=0.2)
    finally:
        released.set()

    assert found == Score(scorer="judge", reason="not judged: the judge did not answer within 0.2 s")
