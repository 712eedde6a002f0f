"""Reading scripts from files and from code, and matching an event against a script. No service, no network."""

from pathlib import Path
from typing import Any

import pytest

from edgevoice.local.scripted import script
from edgevoice.local.scripted.script import (
    AnswerStep,
    Binary,
    Call,
    ChangeStep,
    Close,
    End,
    Expect,
    Frame,
    Freeze,
    Hear,
    Refuse,
    Resume,
    ScriptedSession,
    ScriptInvalid,
    Send,
    Terms,
    TurnStep,
    Wait,
)
from tests.local.talking import script_of

TOML = """
[[session]]
refuse = 402

[[session]]
greeting = "sparse"
turns = "heard"
allow = ["input_audio_buffer.append", "input_audio_buffer.clear"]
steps = [
  { expect = "session.update", where = { session = { model = "*" } }, delay_s = 2.5 },
  { hear = "what time is it" },
  { answer = "", calls = [{ name = "get_current_time" }, { name = "set_volume", arguments = "{no json" }] },
  { expect = "conversation.item.create", refuse = { code = "invalid_value", param = "item" } },
  { change = "response.function_call_arguments.done", without = ["name"] },
  { turn = "tell me a story", rolling = ["tell"], suggestion = 0.8, until = "suggestion" },
  { answer = "Once.", until = "response.output_audio.delta", times = 3 },
  { resume = "response.output_audio.done" },
  { end = "max_output_tokens" },
  { send = { type = "error", message = "$response" } },
  { frame = "[]" },
  { binary = "AAE=" },
  { wait_s = 12 },
  { freeze = "reading" },
  { close = 1001, reason = "session_expired" },
]
"""

WRITTEN = script.Script(
    (
        ScriptedSession(terms=Terms(refuse=402)),
        ScriptedSession(
            (
                Expect("session.update", where={"session": {"model": "*"}}, delay_s=2.5),
                Hear("what time is it"),
                AnswerStep("", calls=(Call("get_current_time"), Call("set_volume", "{no json"))),
                Expect("conversation.item.create", refuse=Refuse("invalid_value", param="item")),
                ChangeStep("response.function_call_arguments.done", without=("name",)),
                TurnStep("tell me a story", rolling=("tell",), suggestion=0.8, until="suggestion"),
                AnswerStep("Once.", until="response.output_audio.delta", times=3),
                Resume("response.output_audio.done"),
                End("max_output_tokens"),
                Send({"type": "error", "message": "$response"}),
                Frame("[]"),
                Binary(b"\x00\x01"),
                Wait(12),
                Freeze(),
                Close(1001, "session_expired"),
            ),
            Terms(
                greeting="sparse",
                turns="heard",
                allow=frozenset({"input_audio_buffer.append", "input_audio_buffer.clear"}),
            ),
        ),
    )
)


def test_a_toml_script_equals_the_same_script_in_code(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(TOML)

    assert script.read(tmp_path / "a.toml") == WRITTEN


def test_a_json_script_is_accepted_too(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"session": [{"steps": [{"expect": "close"}, {"drop": "reset"}]}]}')

    assert script.read(tmp_path / "a.json") == script_of(Expect("close"), script.Drop("reset"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it must contain one [[session]] for each connection, and nothing else"),
        ("session = []", "it must contain one [[session]] for each connection, and nothing else"),
        ("sessions = 1", "it must contain one [[session]] for each connection, and nothing else"),
        ("session = [7]", "session 1 is not a table"),
        ("[[session]]\nsteps = 7", "session 1: steps is not a list"),
        ("[[session]]\n[[session]]\nstep = []", "session 2: Object contains unknown field `step`"),
        ('[[session]]\ngreeting = "warm"', "session 1: Invalid enum value 'warm' - at `$.greeting`"),
        ("[[session]]\nsteps = [{}]", "session 1, step 1: it must say exactly one of expect, send, frame"),
        ("[[session]]\nsteps = [{ wait_s = 1 }, { wait = 1 }]", "session 1, step 2: it must say exactly one of"),
        ('[[session]]\nsteps = [{ send = {}, frame = "" }]', "session 1, step 1: it must say exactly one of"),
        ("[[session]]\nsteps = [{ close = 5 }]", "session 1, step 1 (close): Expected `int` >= 1000 - at `$.close`"),
        ('[[session]]\nsteps = [{ turn = "a", pace = 1 }]', "step 1 (turn): Object contains unknown field `pace`"),
        ("[[session]]\nrefuse = 401\nsteps = [{ wait_s = 1 }]", "session 1: a session that is refused has no steps"),
        ("[[session", "Expected ']]'"),
        ("a = " + "[" * 9999, "it is nested too deeply"),
    ],
)
def test_an_error_in_a_script_names_file_session_step_and_field(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)

    with pytest.raises(ScriptInvalid) as invalid:
        script.read(path)

    assert str(invalid.value).startswith(str(path))
    assert told in str(invalid.value)


def test_a_missing_script_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScriptInvalid, match=r"none\.toml: No such file"):
        script.read(tmp_path / "none.toml")


EVENT = {"type": "a", "item": {"call_id": "c", "content": [{"text": "x"}, 2]}, "flag": True, "none": None}


@pytest.mark.parametrize(
    "wanted",
    [{}, {"item": {"call_id": "c"}}, {"item": "*"}, {"item": {"content": [{"text": "*"}, 2]}}, {"none": None}],
)
def test_an_event_may_have_more_fields_than_expected(wanted: dict[str, Any]) -> None:
    assert script.difference(wanted, EVENT) is None


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"other": "*"}, "other is missing"),
        ({"item": {"call_id": "d"}}, 'item.call_id is "c", not "d"'),
        ({"item": {"content": [{"text": "y"}, 2]}}, 'item.content[0].text is "x", not "y"'),
        ({"item": {"content": [{"text": "x"}]}}, 'item.content is [{"text":"x"},2], not [{"text":"x"}]'),
        ({"flag": 1}, "flag is true, not 1"),
        ({"none": {}}, "none is null, not {}"),
    ],
)
def test_a_missing_field_is_named_by_its_path(wanted: dict[str, Any], told: str) -> None:
    assert script.difference(wanted, EVENT) == told


def test_a_long_value_is_shortened_to_its_beginning() -> None:
    told = script.difference({"type": "b" * 500}, EVENT)

    assert told is not None
    assert len(told) < 120


def test_names_are_filled_in_wherever_they_occur() -> None:
    wanted = {"a": "$item", "b": ["$item", {"c": "$turn"}], "d": "$nobody", "e": "cost: $item"}

    assert script.filled(wanted, {"item": "item_1", "turn": None}) == {
        "a": "item_1",
        "b": ["item_1", {"c": None}],
        "d": "$nobody",
        "e": "cost: $item",
    }


def test_a_change_adds_and_removes_fields_without_modifying_the_original_event() -> None:
    event = {"type": "response.done", "response": {"id": "r", "usage": {"a": 1}, "output": []}}
    change = ChangeStep(
        "response.done",
        put={"type": "response.over", "usage": {"a": 1}, "response": {"phase": "x"}},
        without=("response.usage", "response.none.of.these"),
    )

    made = script.changed(event, change)

    assert made is not None
    assert made["type"] == "response.over"
    assert made["usage"] == {"a": 1}
    assert made["response"] == {"id": "r", "output": [], "phase": "x"}
    assert event == {"type": "response.done", "response": {"id": "r", "usage": {"a": 1}, "output": []}}
    assert script.changed(event, ChangeStep("response.done", is_hidden=True)) is None
