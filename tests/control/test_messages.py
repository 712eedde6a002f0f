"""Every line that is not a request is answered in one line that says what is wrong with it."""

import json
import random

import msgspec
import pytest

from edgevoice.control import messages
from edgevoice.control.messages import COMMANDS, AnyRequest, Refused, decode, hello, id_of, refusal, reply

VALID = [
    b'{"id": 1, "do": "status"}',
    b'{"id": "a", "do": "wake", "word": "hey_jarvis"}',
    b'{"do": "volume", "percent": 40, "protocol": 1}',
    b'{"id": -7, "do": "volume", "change": -10}',
    b'{"do": "watch", "words": true}',
    b'{"id": 3, "do": "hang-up"}',
    b'{"do": "watch", "live": true}',
    b'{"do": "personas", "action": "show", "name": "pirate"}',
    b'{"do": "pair", "action": "answer", "pairing": "x", "digits": "123456"}',
    b'{"do": "doctor"}',
]


@pytest.mark.parametrize("line", VALID)
def test_a_request_is_read(line: bytes) -> None:
    request = decode(line)

    assert request.id == json.loads(line).get("id")
    assert request.__struct_config__.tag == json.loads(line)["do"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"", "the line is empty; expected a JSON object"),
        (b" \t", "the line is empty; expected a JSON object"),
        (b"status", "not a JSON object: "),
        (b'{"do": "status"', "not a JSON object: "),
        (b"\xff\xfe", "the line is not UTF-8: its byte 1 is 0xff"),
        (b'{"do": "say", "text": "caf\xe9"}', "the line is not UTF-8: its byte 27 is 0xe9"),
        (b"[]", "the line is a list; it must be an object"),
        (b'"\xff"', ""),
        (b"[" * 60_000, ""),
        (b"{}", f'"do" must be one of {", ".join(COMMANDS)}'),
        (b'{"do": "dance"}', '"do" must be one of '),
        (b'{"do": 7}', '"do" must be one of '),
        (b'{"do": "volume", "percent": 101}', "percent is 101; it must be between 0 and 100"),
        (b'{"do": "volume", "percent": "40"}', 'percent is "40"; it must be a whole number between 0 and 100'),
        (b'{"do": "status", "loudly": true}', 'there is no "loudly"; status takes nothing'),
        (b'{"do": "say"}', "text is missing"),
        (b'{"do": "say", "text": ""}', 'text is ""; it must be a text of 1 to 2000 characters'),
        (b'{"do": "say", "text": "a", "loud": true}', 'there is no "loud"; say takes text, chime, quiet_hours'),
        (
            b'{"do": "say", "text": "a", "quiet_hours": "no"}',
            'quiet_hours is "no"; it must be "skip", "speak" or "wait"',
        ),
        (b'{"do": "timers", "arguments": []}', "arguments is a list; it must be an object"),
        (b'{"do": "sound", "pcm": "?"}', 'pcm is "?"; it must be bytes in base64'),
        (b'{"do": "watch", "words": null}', "words is null; it must be true or false"),
        (
            b'{"do": "wake", "word": "' + b"x" * 101 + b'"}',
            "word is a text of 101 characters; it must be a text of at most 100 characters",
        ),
        (b'{"do": "status", "id": 1.5}', "id is 1.5; it must be a whole number between "),
    ],
)
def test_what_is_wrong_with_a_line_is_said_in_one_line(line: bytes, problem: str) -> None:
    with pytest.raises(Refused) as refused:
        decode(line)

    assert refused.value.code == "bad-request"
    assert refused.value.problem.startswith(problem)
    assert 0 < len(refused.value.problem) <= 300
    assert refused.value.problem.isprintable()


def test_another_version_of_the_protocol_is_refused() -> None:
    with pytest.raises(Refused, match="version 1 of the protocol, not 2"):
        decode(b'{"do": "status", "protocol": 2}')


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"id": 7, "do": "dance"}', 7),
        (b'{"id": "x", "do": "dance"}', "x"),
        (b'{"id": [1], "do": "dance"}', None),
        (b'{"id": true, "do": "status"}', None),
        (b'{"id": ' + b"9" * 5000 + b', "do": "status"}', None),
        (b'{"id": "' + b"x" * 65 + b'"}', None),
        (b'{"id": 7', None),
        (b"[7]", None),
    ],
)
def test_the_id_of_a_refused_request_is_repeated_if_it_can_be_read(line: bytes, expected: object) -> None:
    assert id_of(line) == expected


def test_replies_are_single_lines_that_a_client_can_match() -> None:
    refused = Refused("muted", "the microphone\nis muted", "Press the button.")

    assert json.loads(hello("1.2")) == {"edgevoice": "1.2", "protocol": 1}
    assert json.loads(reply(7, {"phase": "idle"})) == {"id": 7, "ok": True, "phase": "idle"}
    error = {"code": "muted", "problem": "the microphone\nis muted", "remedy": "Press the button."}
    assert json.loads(refusal(None, refused)) == {"id": None, "ok": False, "error": error}
    assert refusal(None, refused).count(b"\n") == 1
    assert json.loads(messages.event("phase", "2026-01-01T10:00:00", {"phase": "idle"}))["event"] == "phase"


def test_every_command_has_an_example_here() -> None:
    assert set(COMMANDS) >= {json.loads(line)["do"] for line in VALID}
    assert all(
        isinstance(msgspec.convert({"do": name, **REQUIRED.get(name, {})}, AnyRequest), object) for name in COMMANDS
    )


REQUIRED: dict[str, dict[str, object]] = {
    "say": {"text": "x"},
    "ask": {"text": "x"},
    "sound": {"pcm": "AAAA"},
    "pair": {"action": "begin"},
}


def mutated(line: bytes, chance: random.Random) -> bytes:
    """Return a line with some bytes changed, removed, doubled or swapped; none of them ends a line."""
    text = bytearray(line)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(text) + 1)
        match chance.randrange(5):
            case 0 if text:
                text[at % len(text)] = chance.randrange(256)
            case 1 if text:
                del text[at % len(text) : at % len(text) + chance.randint(1, 4)]
            case 2:
                text[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 4)))
            case 3:
                text[at:at] = text[: chance.randint(0, len(text))]
            case _:
                text[at:at] = chance.choice([b'"', b"{", b"}", b"[", b"null", b"1e999", b"\\u0000", b'"do":', b","])
    return bytes(text.replace(b"\n", b" "))


def test_no_mutated_line_breaks_the_reader() -> None:
    chance = random.Random(16)

    for _ in range(5000):
        line = mutated(chance.choice(VALID), chance)
        try:
            decode(line)
        except Refused as refused:
            answer = refusal(id_of(line), refused)
            assert answer.count(b"\n") == 1
            assert json.loads(answer)["error"]["problem"]
