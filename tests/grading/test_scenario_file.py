"""A file of scenarios is read, or refused in one line that says where it is wrong and what was expected."""

from pathlib import Path
from typing import Any

import pytest

from edgevoice.grading.scenario_file import LARGEST_FILE_BYTES, MOST_SCENARIOS, ScenariosInvalid, parse, read
from edgevoice.grading.scenarios import CalledTool, Say

SAY = {"say": "What time is it?"}
SOUND = {"scorer": "time_to_sound"}


def scenario(**changes: Any) -> dict[str, Any]:
    return {"name": "clock", "steps": [SAY], "scorers": [SOUND], **changes}


def refusal(document: dict[str, Any]) -> str:
    with pytest.raises(ScenariosInvalid) as refused:
        parse(document, "mine.toml")
    assert "\n" not in refused.value.line()
    return str(refused.value)


def of(**changes: Any) -> str:
    return refusal({"scenario": [scenario(**changes)]})


def test_a_file_is_read_with_all_its_parts(tmp_path: Path) -> None:
    place = tmp_path / "mine.toml"
    place.write_text(
        """
        gates = ["called_tool"]
        thresholds = { time_to_sound = 0.9 }
        service = { voice = "Jason" }
        judge = { url = "https://models.example/v1", model = "small" }
        prices = { per_million = { output_tokens = 8 } }

        [[tool]]
        name = "open_door"
        description = "Open the door."
        parameters = { which = "string" }

        [[scenario]]
        name = "clock"
        steps = [{ say = "What time is it?" }, { say = "And the date?", over_answer_s = 0.5 }, { ask = "Now?" }]
        scorers = [
            { scorer = "called_tool", tool = "get_current_time" },
            { scorer = "time_to_sound", within_s = 2 },
            { scorer = "judge", criterion = "It is brief." },
        ]
        """
    )

    suite = read(place)

    assert suite.folder == tmp_path
    (only,) = suite.scenarios
    assert only.steps[1] == Say("And the date?", over_answer_s=0.5)
    assert only.scorers[0] == CalledTool(tool="get_current_time")
    assert (only.via, suite.tool[0].result, suite.uses("judge"), suite.uses("cost")) == (
        "library", {"ok": True}, True, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": ""}, "mine.toml: scenario 1: name: expected `str` of length >= 1"),
        ({"via": "phone"}, "mine.toml: scenario 1: via: invalid enum value 'phone'"),
        ({"colour": 1}, "mine.toml: scenario 1: object contains unknown field `colour`"),
        ({"steps": []}, "mine.toml: scenario 1 (clock) needs steps, a list of tables"),
        ({"scorers": "all"}, "mine.toml: scenario 1 (clock) needs scorers, a list of tables"),
        ({"steps": [{"shout": "hey"}]}, "step 1 must have exactly one of say, ask, interrupt_after_s, pause_s"),
        ({"steps": [{"say": "a", "ask": "b"}]}, "step 1 must have exactly one of say, ask"),
        ({"steps": [SAY, {"pause_s": -1}]}, "step 2: pause_s: expected `float` > 0.0"),
        ({"steps": [{"interrupt_after_s": 1}, SAY]}, "must begin with something that the person says"),
        ({"steps": [{"say": "a", "over_answer_s": 1}]}, "must begin with something that the person says"),
        ({"steps": [{"say": " "}]}, "step 1: say is empty, and there is no wav"),
        (
            {"steps": [{"ask": "a"}], "via": "card"},
            'step 1: on the card a person must speak; say it, or via = "library"',
        ),
        ({"scorers": [{"scorer": "time_to_sund"}]}, "there is no scorer 'time_to_sund'; did you mean time_to_sound?"),
        ({"scorers": [{"scorer": "beauty"}]}, "there is no scorer 'beauty'; there are time_to_sound, cut_to_silence"),
        ({"scorers": [3]}, "scorer 1: there is no scorer 'None'"),
        ({"scorers": [{"scorer": "includes"}]}, "scorer 1 (includes): object missing required field `texts`"),
        ({"scorers": [{"scorer": "matches", "pattern": "("}]}, "(matches): pattern is not a regular expression: "),
        (
            {"scorers": [{"scorer": "matches", "pattern": "a", "turn": 2}]},
            "matches has turn = 2, but 1 thing is said",
        ),
        (
            {"steps": [{"say": "", "wav": "a.wav"}], "scorers": [{"scorer": "word_error_rate"}]},
            "word_error_rate needs the words that are said: in say, or in spellings",
        ),
        ({"scorers": [{"scorer": "judge", "criterion": "kind"}]}, "the scorer judge needs a model: add [judge]"),
    ],
)
def test_a_mistake_in_a_scenario_is_one_line_that_says_where(changes: dict[str, Any], expected: str) -> None:
    assert expected in of(**changes)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"gates": ["speed"]}, "mine.toml: gates and thresholds name scorers, and 'speed' is not one"),
        ({"gates": ["tool_ordr"]}, "'tool_ordr' is not one; did you mean tool_order?"),
        ({"gates": ["tool_order"]}, "tool_order is a gate or has a threshold, but no scenario is scored by it"),
        ({"thresholds": {"time_to_sound": 0.9}}, "so each of its scorers needs within_s"),
        ({"thresholds": {"time_to_sound": 2}}, "thresholds[...]: expected `float` <= 1.0"),
        ({"gate": ["cost"]}, "object contains unknown field `gate`"),
        ({"judge": {"url": "http://models.example/v1", "model": "m"}}, "judge.url must begin with https://"),
        ({"judge": {"url": "https://[", "model": "m"}}, "judge.url is not an address"),
        ({"judge": {"url": "https://me:secret@models.example", "model": "m"}}, "judge.url must not contain a key"),
        ({"judge": {"url": "https://models.example", "model": "m", "key": "k"}}, "unknown field `key`"),
        ({"prices": {"per_million": {"output_tokens": -1}}}, "expected `float` >= 0.0"),
    ],
)
def test_a_mistake_in_the_rest_of_the_file_is_one_line(more: dict[str, Any], expected: str) -> None:
    line = refusal({"scenario": [scenario()], **more})

    assert expected in line
    assert "secret" not in line


@pytest.mark.parametrize("document", [{}, {"scenario": []}, {"scenario": "one"}, {"scenario": {"name": "one"}}])
def test_a_file_without_scenarios_is_refused(document: dict[str, Any]) -> None:
    assert refusal(document) == "mine.toml: it must contain a [[scenario]] for each conversation"


def test_scenarios_have_names_of_their_own_and_are_not_too_many() -> None:
    assert "two scenarios have the name 'clock'" in refusal({"scenario": [scenario(), scenario()]})
    assert "scenario 2 must be a table" in refusal({"scenario": [scenario(), 7]})
    assert "200 is the most" in refusal({"scenario": [scenario()] * (MOST_SCENARIOS + 1)})


def test_a_simulated_tool_exists_only_through_the_library() -> None:
    tool = {"name": "open_door", "description": "Open the door."}

    assert "exists only through the library" in refusal({"scenario": [scenario(via="card")], "tool": [tool]})
    assert "exists only through the library" in refusal(
        {"scenario": [scenario(via="card", tools=["open_door"])], "tool": [tool]}
    )
    assert parse({"scenario": [scenario(via="card", tools=["set_timer"])], "tool": [tool]}, "mine.toml").tool


def test_a_model_on_this_machine_may_judge_without_encryption() -> None:
    judge = {"url": "http://127.0.0.1:8080/v1", "model": "m"}

    assert parse({"scenario": [scenario()], "judge": judge}, "mine.toml").judge is not None


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    place = tmp_path / "mine.toml"
    with pytest.raises(ScenariosInvalid, match=r"mine\.toml cannot be read: No such file"):
        read(place)
    place.write_text("gates = [\n")
    with pytest.raises(ScenariosInvalid, match=r"mine\.toml is not TOML: Invalid value"):
        read(place)
    place.write_bytes(b"\xff")
    with pytest.raises(ScenariosInvalid, match=r"mine\.toml is not TOML"):
        read(place)
    place.write_text(f"a = {'[' * 5000}{']' * 5000}")
    with pytest.raises(ScenariosInvalid, match=r"mine\.toml is not TOML: it is nested too deeply"):
        read(place)
    place.write_bytes(b" " * (LARGEST_FILE_BYTES + 1))
    with pytest.raises(ScenariosInvalid, match="larger than 1024 KiB"):
        read(place)


def test_a_recording_that_is_missing_is_found_before_anything_is_said(tmp_path: Path) -> None:
    place = tmp_path / "mine.toml"
    place.write_text(
        '[[scenario]]\nname = "a"\nsteps = [{ say = "x", wav = "x.wav" }]\nscorers = [{ scorer = "cost" }]\n'
    )

    with pytest.raises(ScenariosInvalid, match=r"mine\.toml: a, step 1: there is no file x\.wav"):
        read(place)
    (tmp_path / "x.wav").touch()
    assert read(place).scenarios
