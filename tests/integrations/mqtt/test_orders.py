"""Every payload becomes a request of the control socket, or is refused with the reason."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.control import messages
from edgevoice.control.messages import AnyRequest, Refused
from edgevoice.integrations.mqtt.orders import LARGEST_BYTES, request_of


@pytest.mark.parametrize(
    ("command", "payload", "request_"),
    [
        ("mute", b"ON", messages.Mute()),
        ("mute", b"OFF", messages.Unmute()),
        ("volume", b"40", messages.SetVolume(percent=40)),
        ("volume", b"40.0", messages.SetVolume(percent=40)),
        ("earcons", b"0", messages.SetEarcons(percent=0)),
        ("brightness", b"100", messages.SetBrightness(percent=100)),
        ("persona", b"pirate", messages.SetPersona(name="pirate")),
        ("voice", b"Sarah", messages.SetVoice(name="Sarah")),
        ("talk", b"PRESS", messages.Talk()),
        ("stop", b"PRESS", messages.Stop()),
        ("hang-up", b"PRESS", messages.HangUp()),
        ("snooze", b"PRESS", messages.Snooze()),
        ("say", "Tür offen".encode(), messages.SayText(text="Tür offen", chime=True, quiet_hours="skip")),
        (
            "ask",
            b'{"say": "Tea?", "context": "It is five.", "id": "7"}',
            messages.AskQuestion(text="Tea?", context="It is five.", chime=True, quiet_hours="skip", id="7"),
        ),
        ("ask", b'{"say": "Tea?", "id": 7}', messages.AskQuestion(text="Tea?", chime=True, quiet_hours="skip", id=7)),
        (
            "ask",
            b'{"say": "Tea is ready.", "then_listen": false}',
            messages.SayText(text="Tea is ready.", chime=True, quiet_hours="skip", id=""),
        ),
    ],
)
def test_a_message_of_the_broker_is_a_request_of_the_control_socket(
    command: str, payload: bytes, request_: AnyRequest
) -> None:
    assert request_of(command, payload) == request_


@pytest.mark.parametrize(
    ("command", "payload", "problem"),
    [
        ("dance", b"PRESS", "there is no such command"),
        ("", b"", "there is no such command"),
        ("mute", b"on", "must be ON or OFF"),
        ("talk", b"", "must be PRESS"),
        ("volume", b"101", "from 0 to 100"),
        ("volume", b"-1", "from 0 to 100"),
        ("volume", b"4e1", "from 0 to 100"),
        ("volume", "\u0664".encode(), "from 0 to 100"),
        ("volume", b"\xff\xfe", "from 0 to 100"),
        ("persona", b" ", "1 to 100 letters"),
        ("say", b"\xff", "not UTF-8"),
        ("say", b"", "1 to 2000 letters"),
        ("say", b"x" * 2001, "1 to 2000 letters"),
        ("say", b"x" * (LARGEST_BYTES + 1), "longer than"),
        ("ask", b"Tea?", "not what is expected"),
        ("ask", b'{"say": 1}', "not what is expected"),
        ("ask", b'{"say": "Tea?", "shout": true}', "not what is expected"),
        ("ask", b"[" * 16_000, "not what is expected"),
        ("ask", json.dumps({"say": "a", "context": "x" * 2001}).encode(), "not what is expected"),
    ],
)
def test_what_is_no_order_is_refused_with_the_reason(command: str, payload: bytes, problem: str) -> None:
    with pytest.raises(Refused, match=problem) as refused:
        request_of(command, payload)

    assert refused.value.code == "bad-request"


@given(st.sampled_from(["ask", "say", "mute", "volume", "persona", "talk", "x"]), st.binary(max_size=200))
def test_rubbish_is_a_request_or_refused_and_nothing_else(command: str, payload: bytes) -> None:
    with contextlib.suppress(Refused):
        request_of(command, payload)
