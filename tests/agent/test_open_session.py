"""What the open session is sent, and what the service would refuse to change in it."""

from typing import Any

import pytest

from edgevoice.agent.open_session import OpenSession
from edgevoice.core.notices import AudioReceived

SPOKEN = AudioReceived("r1", "i1", bytes(2))


def session(**changes: Any) -> dict[str, Any]:
    output = {"voice": changes.pop("voice", "Sarah"), "speed": changes.pop("speed", 1.0)}
    return {"model": "one", "instructions": "Be brief.", "tools": [], "audio": {"output": output}, **changes}


@pytest.mark.parametrize("dialect", ["openai", "inworld"])
def test_only_differences_are_sent_and_each_once(dialect: str) -> None:
    ours = OpenSession()
    assert ours.changes(session(voice="Luna"), dialect) == ({}, ())

    assert ours.begin(session()) == session()
    assert ours.changes(session(voice="Luna", speed=0.9), dialect) == (
        {"audio": {"output": {"voice": "Luna", "speed": 0.9}}}, ()
    )  # fmt: skip
    assert ours.changes(session(voice="Luna", speed=0.9), dialect) == ({}, ())


def test_openai_keeps_a_voice_that_has_spoken_and_the_model_and_takes_the_rest() -> None:
    ours = OpenSession()
    ours.begin(session())
    ours.take(SPOKEN)
    wanted = session(model="two", voice="Luna", instructions="Be a pirate.")

    assert ours.changes(wanted, "openai") == ({"instructions": "Be a pirate."}, ("model", "voice"))
    assert wanted["model"] == "two"
    assert ours.begin(wanted) == wanted
    assert ours.changes(session(model="two", voice="Eve"), "openai")[1] == ()


def test_what_is_kept_is_said_once_for_each_value_and_not_with_every_later_change() -> None:
    ours = OpenSession()
    ours.begin(session())
    ours.take(SPOKEN)

    assert ours.changes(session(voice="Luna", speed=1.2), "openai", is_free=False)[1] == ("voice",)
    assert ours.changes(session(voice="Luna", speed=1.2), "openai") == ({"audio": {"output": {"speed": 1.2}}}, ())
    assert ours.changes(session(voice="Luna", tools=["new"], speed=1.2), "openai") == ({"tools": ["new"]}, ())
    assert ours.changes(session(voice="Eve", tools=["new"], speed=1.2), "openai")[1] == ("voice",)
    assert ours.changes(session(tools=["new"], speed=1.2), "openai")[1] == ()
    assert ours.changes(session(voice="Eve", tools=["new"], speed=1.2), "openai")[1] == ("voice",)


def test_inworld_changes_both() -> None:
    ours = OpenSession()
    ours.begin(session())
    ours.take(SPOKEN)

    changed = {"model": "two", "audio": {"output": {"voice": "Luna"}}}
    assert ours.changes(session(model="two", voice="Luna"), "inworld") == (changed, ())


def test_what_is_only_handed_over_at_the_beginning_is_not_sent_again() -> None:
    ours = OpenSession()
    ours.begin(session(providerData={"memory": {"state": "1"}}))

    assert ours.changes(session(providerData={"memory": {"state": "2"}}), "inworld") == ({}, ())


def test_openai_gets_another_speed_once_the_answer_is_over() -> None:
    ours = OpenSession()
    ours.begin(session())
    wanted = session(speed=0.9, instructions="Slowly.")

    assert ours.changes(wanted, "openai", is_free=False) == ({"instructions": "Slowly."}, ())
    assert ours.owes_speed
    assert ours.changes(wanted, "openai") == ({"audio": {"output": {"speed": 0.9}}}, ())
    assert not ours.owes_speed
    assert ours.changes(session(), "inworld", is_free=False)[0]["audio"] == {"output": {"speed": 1.0}}
