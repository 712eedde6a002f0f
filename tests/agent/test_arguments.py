"""What a program passes by mistake is refused at once, in one line that names the argument and what it must be."""

import asyncio
from typing import Any

import pytest

from edgevoice import Agent, Persona, RealtimeVoice
from edgevoice.agent.arguments import require_words
from edgevoice.errors import PersonaInvalid, SettingsInvalid

RATE = "it must be a whole number, 8,000 to 48,000 samples a second"
TIME = "it must be a number of seconds, above 0 and at most a day"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"voice": "Sarah"}, "voice='Sarah': it must be a RealtimeVoice"),
        ({"memory": "house"}, "memory='house': it must be a Memory"),
        ({"persona": 3}, "persona=3: it must be a Persona, or the name of one that ships"),
        ({"instructions": None}, "instructions=None: it must be a text"),
        ({"name": b"x" * 100}, f"name=b'{'x' * 58}…: it must be a text"),
        (
            {"input_rate_hz": "24000"},
            f"input_rate_hz='24000': {RATE}",
        ),
        ({"tool_timeout_s": True}, f"tool_timeout_s=True: {TIME}"),
        ({"mcp_servers": {"news": "http://x"}}, "mcp_servers has 'http://x' under 'news'; it must be an McpServer"),
        ({"mcp_servers": ["news"]}, "mcp_servers=['news']: it must be a dict of names and McpServers"),
    ],
)
def test_an_argument_of_another_type_is_refused(given: dict[str, Any], line: str) -> None:
    with pytest.raises(TypeError) as caught:
        Agent(**given)

    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"input_rate_hz": 7_999}, f"input_rate_hz=7999: {RATE}"),
        ({"tool_timeout_s": 0}, f"tool_timeout_s=0: {TIME}"),
        (
            {"tool_timeout_s": float("nan")},
            f"tool_timeout_s=nan: {TIME}",
        ),
        ({"mcp_wait_s": -1}, "mcp_wait_s=-1: it must be a number of seconds, 0 to a day"),
        ({"history_tokens": -1}, "history_tokens=-1: it must be a whole number, 0 or more"),
        ({"playback": "pulled"}, 'playback=\'pulled\': it must be "push" or "pull"'),
    ],
)
def test_an_argument_out_of_its_range_is_refused(given: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError, match="it must be") as caught:
        Agent(**given)

    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("voice", "line"),
    [
        (RealtimeVoice(speed=9), "RealtimeVoice: speed is 9; it must be between 0.5 and 1.5"),
        (RealtimeVoice(voice=None), "RealtimeVoice: voice is None; it must be a text that is not empty"),  # type: ignore[arg-type]
        (
            RealtimeVoice(options={"egerness": "low"}),
            "RealtimeVoice: egerness is not an option; did you mean eagerness?",
        ),
        (RealtimeVoice(options={"zz": 1}), "RealtimeVoice: zz is not an option"),
    ],
)
def test_what_a_voice_cannot_be_is_refused_in_the_words_of_the_settings(voice: RealtimeVoice, line: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        Agent(voice=voice)

    assert str(caught.value) == line


def test_an_address_that_is_none_is_refused_before_anything_is_dialled() -> None:
    with pytest.raises(SettingsInvalid, match=r"^RealtimeVoice: url is wrong .* it must be .*wss?://"):
        Agent(voice=RealtimeVoice(url="localhost:8000"))


@pytest.mark.parametrize(
    ("text", "error", "line"),
    [
        (None, TypeError, "ask() takes a text, not None"),
        (" \n", ValueError, "ask() needs words: the text is empty"),
        ("a\ud800", ValueError, "ask(): character 1 of the text is half of a surrogate pair"),
    ],
)
def test_what_cannot_be_asked_is_refused(text: object, error: type[Exception], line: str) -> None:
    with pytest.raises(error) as caught:
        require_words("ask", text)

    assert str(caught.value) == line


def test_an_agent_refuses_what_cannot_be_asked_or_said_and_what_cannot_be_called() -> None:
    agent = Agent()

    for method in (agent.ask, agent.say):
        with pytest.raises(ValueError, match=f"^{method.__name__}\\(\\) needs words"):
            asyncio.run(method(""))
    with pytest.raises(TypeError, match=r"^on\('closed', …\) takes a function to call, not None$"):
        agent.on("closed", None)  # type: ignore[type-var]


def test_a_persona_whose_name_is_no_text_is_refused() -> None:
    with pytest.raises(PersonaInvalid, match=r"^the name of a persona is 3; it must be a text$"):
        Agent(persona=Persona(name=3))  # type: ignore[arg-type]


def test_what_is_no_persona_is_refused_in_a_change_too() -> None:
    agent = Agent(voice=RealtimeVoice(url="local"))

    with pytest.raises(TypeError, match=r"^persona=3: it must be a Persona"):
        agent.update(persona=3)  # type: ignore[arg-type]  # the mistake that is tested


def test_options_of_a_voice_are_a_dict() -> None:
    with pytest.raises(SettingsInvalid, match="options is of the type int; it must be a dict"):
        Agent(voice=RealtimeVoice(url="local", options=3))  # type: ignore[arg-type]  # the mistake that is tested
