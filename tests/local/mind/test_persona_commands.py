"""Who speaks, and how, is changed by sentences; each change is one call of one tool."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from edgevoice.local.mind import phrases
from edgevoice.local.mind.brain import Prompt, Reply, answer, is_complete
from edgevoice.local.mind.calls import RequestedCall, ToolResult
from edgevoice.local.mind.intents import Intent, VolumeWish, Wish, understand
from edgevoice.local.mind.persona_commands import NO_PERSONAS, PersonaRequest, PersonaWish, SpeedWish, VoiceWish
from edgevoice.local.mind.questions import question
from edgevoice.local.mind.tool_kinds import DeclaredTool

TOOLS = dict.fromkeys(("set_persona", "set_voice", "set_speed", "undo_persona", "reset_persona"), DeclaredTool())


@pytest.mark.parametrize(
    ("said", "wish", "call"),
    [
        ("Be a pirate!", PersonaWish("pirate"), ("set_persona", {"name": "pirate"})),
        ("hey jarvis talk like a pirate please", PersonaWish("pirate"), ("set_persona", {"name": "pirate"})),
        ("be brief", PersonaWish("brief"), ("set_persona", {"name": "brief"})),
        ("play a pirate", PersonaWish("pirate"), ("set_persona", {"name": "pirate"})),
        ("become the night owl", PersonaWish("night owl"), ("set_persona", {"name": "night owl"})),
        ("another voice", VoiceWish(), ("set_voice", {})),
        ("can you use a different voice", VoiceWish(), ("set_voice", {})),
        ("change your voice", VoiceWish(), ("set_voice", {})),
        ("use Sarah's voice", VoiceWish("Sarah"), ("set_voice", {"voice": "Sarah"})),
        ("switch to the voice of dennis", VoiceWish("dennis"), ("set_voice", {"voice": "Dennis"})),
        ("talk slower", SpeedWish(-0.15), ("set_speed", {"change": -0.15})),
        ("speak a bit more slowly", SpeedWish(-0.15), ("set_speed", {"change": -0.15})),
        ("talk much faster", SpeedWish(0.3), ("set_speed", {"change": 0.3})),
        ("speed up", SpeedWish(0.15), ("set_speed", {"change": 0.15})),
        ("speak at normal speed", SpeedWish(0), ("set_speed", {"speed": 1.0})),
        ("as before", PersonaRequest.UNDO, ("undo_persona", {})),
        ("talk like before", PersonaRequest.UNDO, ("undo_persona", {})),
        ("undo that", PersonaRequest.UNDO, ("undo_persona", {})),
        ("be yourself again", PersonaRequest.RESET, ("reset_persona", {})),
        ("stop being a pirate", PersonaRequest.RESET, ("reset_persona", {})),
    ],
)
def test_a_sentence_about_who_speaks_is_one_call(said: str, wish: Intent, call: tuple[str, dict[str, Any]]) -> None:
    assert understand(said) == [wish]
    assert answer(Prompt(said, tools=TOOLS)).calls == (RequestedCall(*call),)
    assert answer(Prompt(said)) == Reply(NO_PERSONAS)
    assert question(wish) is None


@pytest.mark.parametrize(
    ("said", "intents"),
    [
        ("be quiet", [Wish.STOP]),
        ("speak louder", [VolumeWish(change=10)]),
        ("he will be a pirate", []),
        ("don't be a pirate", []),
        ("why did you talk slower", []),
        ("I heard another voice", []),
        ("before", []),
    ],
)
def test_other_sentences_keep_their_meaning(said: str, intents: list[Intent]) -> None:
    assert understand(said) == intents


@pytest.mark.parametrize(
    "said",
    [
        "Play the news.",
        "play my music",
        "play a song",
        "play a nice song please",
        "hey jarvis play the radio",
        "play some jazz",
    ],
)
def test_who_asks_for_music_or_the_news_is_told_that_there_is_none(said: str) -> None:
    assert understand(said) == [Wish.PLAY]
    assert answer(Prompt(said, tools=TOOLS)) == Reply(phrases.NOTHING_TO_PLAY)
    assert answer(Prompt(said, tools=TOOLS, is_sure=False)) == Reply(phrases.NOT_UNDERSTOOD)
    assert not is_complete(said)


def told(name: str, output: Mapping[str, Any], /, **arguments: object) -> str:
    result = ToolResult(RequestedCall(name, arguments), json.dumps(output))
    return answer(Prompt("whatever", tools=TOOLS, declared=TOOLS, results=[result])).speech


def test_a_change_is_announced_in_one_short_sentence() -> None:
    now = {"persona": "pirate", "voice": "Clive", "speed": 0.85}
    assert told("set_persona", now, name="pirate") == "Okay, from now on I am the pirate."
    assert told("set_persona", {}, name="owl") == "Okay, from now on I am the owl."
    assert told("set_voice", now) == "Okay, this is Clive."
    assert told("set_voice", {}) == "Okay, another voice."
    assert told("set_speed", now, change=-0.15) == "Okay, slower."
    assert told("set_speed", now, change=0.15) == "Okay, faster."
    assert told("set_speed", now, speed=1.0) == "Okay, at my own pace."
    assert told("undo_persona", now) == "Okay, as before."
    assert told("reset_persona", now) == "Okay, I am myself again."
    assert told("set_persona", {"persona": "default"}) == "Okay, I am myself again."


def test_a_voice_that_changes_only_with_the_next_conversation_is_announced_as_such() -> None:
    later = {"voice": "cedar", "voice_takes_effect": "with the next conversation"}
    assert told("set_voice", later) == "From the next conversation on, I have the new voice."
    assert told("undo_persona", later).startswith("Okay, as before. From the next conversation")


def test_a_refused_change_is_said_with_what_there_is() -> None:
    unknown = {"error": "nothing has changed: there is no persona 'owl'; there are default, night-owl, pirate"}
    assert told("set_persona", unknown, name="owl") == "I cannot be that. I can be night-owl, pirate, or myself."
    alone = {"error": "there is no persona 'owl'; there are default"}
    assert told("set_persona", alone, name="owl") == "I cannot be that."
    assert told("set_persona", {"error": "the disk is full"}) == "I cannot be that."
    assert told("set_voice", {"error": "there is no such voice; there are heart"}) == "I have no other voice here."
    assert told("set_speed", {"error": "the speed is 1.5 already"}) == "I cannot speak at another speed than this."
    assert told("undo_persona", {"error": "nothing has been changed that could be undone"}) == (
        "There is nothing to undo."
    )
    assert told("set_persona", {"declined": True}) == phrases.DECLINED


def test_help_mentions_personas_only_where_there_are_some() -> None:
    assert phrases.HELP_PERSONAS in answer(Prompt("what can you do", tools=TOOLS)).speech
