"""Scenarios: what a person says, and how what follows is scored. Data only; `scenario_file` reads them.

A step is a table whose first word says what happens: ``{ say = "What time is it?" }``. A scorer is a table with its
name: ``{ scorer = "called_tool", tool = "get_current_time" }``.
"""

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

_Name = Annotated[str, Meta(min_length=1, max_length=60)]
_Words = Annotated[str, Meta(min_length=1, max_length=1000)]
_Tool = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_Seconds = Annotated[float, Meta(gt=0, le=120)]
_Limit = Annotated[float, Meta(gt=0)]
_Turn = Annotated[int, Meta(ge=1)]


# --- steps -----------------------------------------------------------------------------------------------------------


class Say(Struct, frozen=True, forbid_unknown_fields=True):
    """The person says this, in the local voice or in the recording ``wav``, whose words ``say`` gives if known.

    Without ``over_answer_s`` they wait for the end of the answer before. With it they interrupt that answer, once it
    has sounded for so many seconds.
    """

    say: Annotated[str, Meta(max_length=1000)]
    wav: str = ""
    over_answer_s: _Seconds | None = None


class Ask(Struct, frozen=True, forbid_unknown_fields=True):
    """The person writes this instead of saying it; only through the library."""

    ask: _Words


class Interrupt(Struct, frozen=True, forbid_unknown_fields=True):
    """The person presses the talk button once the answer has sounded for so many seconds, and says nothing."""

    interrupt_after_s: _Seconds


class Pause(Struct, frozen=True, forbid_unknown_fields=True):
    """Nobody says anything for so many seconds."""

    pause_s: _Seconds


Step = Say | Ask | Interrupt | Pause
STEPS: Final[dict[str, type[Step]]] = {kind.__struct_fields__[0]: kind for kind in Step.__args__}
"""The kinds of steps, by the field that each of them has first and no other has at all."""


# --- scorers ---------------------------------------------------------------------------------------------------------


class TimeToSound(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scorer", tag="time_to_sound"):
    """The longest wait from the last word to the first sound of the answer; 1 within ``within_s``, less beyond."""

    within_s: _Limit | None = None


class CutToSilence(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scorer", tag="cut_to_silence"):
    """The longest time from the decision to cut an answer to silence; 1 within ``within_ms``, less beyond."""

    within_ms: _Limit | None = None


class WordErrorRate(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scorer", tag="word_error_rate"):
    """The share of words that were heard wrong; the score is 1 minus that.

    Compared is what the service heard with what was said or, of turn ``turn``, with the closest of ``spellings``: one
    service writes 17, another seventeen.
    """

    turn: _Turn | None = None
    spellings: tuple[_Words, ...] = ()


class HeardExact(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scorer", tag="heard_exact"):
    """Whether the service was told to within ``within_ms`` how much was heard of each answer that was cut."""

    within_ms: _Limit = 1.0


class CalledTool(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scorer", tag="called_tool"):
    """Whether the model called this tool with these arguments, perhaps among others; ``times`` says how often."""

    tool: _Tool
    arguments: dict[str, Any] = {}
    times: Annotated[int, Meta(ge=1)] | None = None


class DidNotCall(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scorer", tag="did_not_call"):
    """Whether the model did without this tool; if none is named, without any."""

    tool: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{0,64}$")] = ""


class ToolOrder(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scorer", tag="tool_order"):
    """Whether the model called these tools in this order; there may be other calls between them."""

    tools: Annotated[tuple[_Tool, ...], Meta(min_length=1)]


class Includes(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scorer", tag="includes"):
    """The share of ``texts`` that the answers contain, or the answer to turn ``turn``; case does not count."""

    texts: Annotated[tuple[_Words, ...], Meta(min_length=1)]
    turn: _Turn | None = None


class Matches(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scorer", tag="matches"):
    """Whether a regular expression is found in the answers, or in the answer to turn ``turn``; case does not count."""

    pattern: _Words
    turn: _Turn | None = None


class Similarity(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scorer", tag="similarity"):
    """How similar the answers, or the answer to turn ``turn``, are to a text: Dice's coefficient of letter pairs."""

    text: _Words
    turn: _Turn | None = None


class Cost(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scorer", tag="cost"):
    """What the service counted, in tokens or by [prices] in money; 1 up to ``at_most``, less beyond."""

    at_most: _Limit | None = None


class AskJudge(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scorer", tag="judge"):
    """What the model in [judge] makes of the conversation, 0 to 1, by a criterion in plain words."""

    criterion: _Words


Scorer = (
    TimeToSound
    | CutToSilence
    | WordErrorRate
    | HeardExact
    | CalledTool
    | DidNotCall
    | ToolOrder
    | Includes
    | Matches
    | Similarity
    | Cost
    | AskJudge
)
SCORERS: Final[dict[str, type[Scorer]]] = {str(kind.__struct_config__.tag): kind for kind in Scorer.__args__}
"""The kinds of scorers, by their names."""


def name_of(scorer: Scorer) -> str:
    """Return the name of a scorer."""
    return str(scorer.__struct_config__.tag)


# --- the file --------------------------------------------------------------------------------------------------------


class ScenarioHead(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One conversation, without what happens in it.

    ``via``: "library" sends and takes the sound in a program; "card" speaks to the whole box on a virtual sound card,
    wake word included. ``tools`` names those that the model may call; by default all. ``instructions`` replace those
    of the settings.
    """

    name: _Name
    about: str = ""
    via: Literal["library", "card"] = "library"
    instructions: str | None = None
    tools: tuple[_Tool, ...] | None = None


class Scenario(ScenarioHead, frozen=True, kw_only=True):
    """One conversation: what the person does, and how what follows is scored."""

    steps: tuple[Step, ...]
    scorers: tuple[Scorer, ...]


class SimulatedTool(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A tool of yours that the model may call and that does nothing: each call returns ``result``."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
    description: _Words
    parameters: dict[str, Literal["string", "integer", "number", "boolean"]] = {}
    result: Any = field(default_factory=lambda: {"ok": True})


class Prices(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a million tokens of each kind cost; kinds have the service's own names, such as ``output_tokens``."""

    currency: _Name = "USD"
    per_million: dict[str, Annotated[float, Meta(ge=0)]]


class JudgeSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A text model that judges: the address below which ``chat/completions`` lies, and the model's name.

    Its key comes from the environment variable EDGEVOICE_JUDGE_KEY or the systemd credential judge_key, never from a
    file of scenarios. ``timeout_s`` is how long one judgement may take.
    """

    url: str
    model: _Name
    timeout_s: Annotated[float, Meta(ge=1, le=120)] = 20.0


class SuiteHead(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file of scenarios, without the scenarios.

    ``gates`` names scorers that must average 1, ``thresholds`` the least average of others. ``service`` changes
    settings of ``[service]`` for all of its scenarios.
    """

    gates: tuple[str, ...] = ()
    thresholds: dict[str, Annotated[float, Meta(ge=0, le=1)]] = {}
    service: dict[str, Any] = {}
    prices: Prices | None = None
    judge: JudgeSettings | None = None
    tool: tuple[SimulatedTool, ...] = ()


class Suite(SuiteHead, frozen=True, kw_only=True):
    """A file of scenarios; paths in it are relative to ``folder``."""

    scenarios: tuple[Scenario, ...]
    folder: Path = Path()

    def uses(self, name: str) -> bool:
        """Return whether a scenario has a scorer of this name."""
        return any(name_of(scorer) == name for scenario in self.scenarios for scorer in scenario.scorers)
