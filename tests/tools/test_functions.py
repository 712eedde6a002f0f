import asyncio
import enum
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from edgevoice.errors import ToolRefused
from edgevoice.tools.functions import FunctionSource, FunctionTool
from edgevoice.tools.tool import ARGUMENTS_LIMIT, ToolContext
from tests.tools.calling import called


def set_lamp(
    room: str,
    level: Annotated[int, Meta(ge=0, le=100), "how bright, in percent"],
    colour: Literal["warm", "cold"] = "warm",
    fade_s: float = 0.5,
    also: list[str] = [],  # noqa: B006 - a model's view of a default
    note: str | None = None,
    dim: Annotated[int, Meta(ge=1), "how much darker"] | None = None,
    *,
    is_night: bool = False,
) -> dict[str, Any]:
    """Set a lamp. It takes a moment.

    The rest is not for the model.

    Args:
        room: the room that the lamp is in
        colour (str): white, as people call it
        fade_s: seconds until it is reached
    """
    return locals()


@pytest.fixture
def lamp() -> FunctionTool:
    return FunctionTool(set_lamp)


def test_the_signature_becomes_a_plain_json_object_schema(lamp: FunctionTool) -> None:
    assert lamp.definition.parameters == {
        "type": "object",
        "properties": {
            "room": {"type": "string", "description": "the room that the lamp is in"},
            "level": {"type": "integer", "minimum": 0, "maximum": 100, "description": "how bright, in percent"},
            "colour": {"enum": ["cold", "warm"], "default": "warm", "description": "white, as people call it"},
            "fade_s": {"type": "number", "default": 0.5, "description": "seconds until it is reached"},
            "also": {"type": "array", "items": {"type": "string"}, "default": []},
            "note": {"type": "string"},
            "dim": {"type": "integer", "minimum": 1, "description": "how much darker"},
            "is_night": {"type": "boolean", "default": False},
        },
        "required": ["room", "level"],
    }


def test_a_list_of_anything_says_so_because_services_refuse_an_array_without_items() -> None:
    def put(things: list, rows: list[list[Any]]) -> None:  # type: ignore[type-arg]  # as an owner may write it
        """Put things away."""

    assert FunctionTool(put).definition.parameters["properties"] == {
        "things": {"type": "array", "items": {}},
        "rows": {"type": "array", "items": {"type": "array", "items": {}}},
    }


def test_only_the_first_sentence_of_the_docstring_describes_the_tool(lamp: FunctionTool) -> None:
    assert lamp.definition.description == "Set a lamp."


def test_a_first_sentence_may_span_two_lines() -> None:
    def wait() -> None:
        """Wait for e.g. a door, or
        for a bell. Then stop.
        """

    assert FunctionTool(wait).definition.description == "Wait for e.g. a door, or for a bell."


def test_a_range_from_the_type_and_a_description_from_the_docstring_are_combined() -> None:
    def heat(degrees: Annotated[int, Meta(ge=30, le=250)]) -> None:
        """Heat the oven.

        Args:
            degrees: how hot, in degrees Celsius
        """

    assert FunctionTool(heat).definition.parameters["properties"]["degrees"] == {
        "type": "integer",
        "minimum": 30,
        "maximum": 250,
        "description": "how hot, in degrees Celsius",
    }


class Place(msgspec.Struct):
    name: str
    floor: int = 0


def test_schema_references_are_inlined() -> None:
    def go(place: Place, others: list[Place]) -> None:
        """Go there."""

    properties = FunctionTool(go).definition.parameters["properties"]

    assert "$ref" not in str(properties)
    assert properties["place"]["properties"]["name"] == {"type": "string"}
    assert properties["others"]["items"]["required"] == ["name"]


class Tree(msgspec.Struct):
    children: list["Tree"]


def test_a_recursive_type_cannot_be_a_parameter() -> None:
    def climb(tree: Tree) -> None:
        """Climb."""

    with pytest.raises(TypeError, match="Tree contains itself"):
        FunctionTool(climb)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"room": "hall", "level": 30}', {"room": "hall", "level": 30}),
        ('{"room": "hall", "level": "30"}', {"room": "hall", "level": 30}),
        ('{"room": "hall", "level": 30.0}', {"room": "hall", "level": 30}),
        ('{"room": "hall", "level": 30, "is_night": "true"}', {"room": "hall", "level": 30, "is_night": True}),
        ('{"room": "hall", "level": 30, "fade_s": 2}', {"room": "hall", "level": 30, "fade_s": 2.0}),
        ('{"room": "hall", "level": 30, "colour": null}', {"room": "hall", "level": 30}),
        ('{"room": "hall", "level": 30, "note": null}', {"room": "hall", "level": 30, "note": None}),
        ('{"room": "hall", "level": 30, "dim": 4}', {"room": "hall", "level": 30, "dim": 4}),
    ],
)
def test_arguments_are_converted_to_the_intended_types(text: str, expected: dict[str, Any], lamp: FunctionTool) -> None:
    assert lamp.check(text) == expected


@dataclass
class Point:
    x: float
    y: float = 0.0


@pytest.mark.parametrize("word", ["nan", "NaN", "inf", "-Infinity"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("once", '{{"once": "{word}"}}'),
        ("often", '{{"once": 1, "often": [0.5, "{word}"]}}'),
        ("named", '{{"once": 1, "named": {{"a": "{word}"}}}}'),
        ("keyed", '{{"once": 1, "keyed": {{"{word}": "a"}}}}'),
        ("point", '{{"once": 1, "point": {{"x": 1, "y": "{word}"}}}}'),
        ("exact", '{{"once": 1, "exact": "{word}"}}'),
        ("maybe", '{{"once": 1, "maybe": "{word}"}}'),
    ],
)
def test_a_text_that_means_no_finite_number_is_not_taken_for_a_number(name: str, text: str, word: str) -> None:
    def measure(
        once: float,
        often: list[float] | None = None,
        named: dict[str, float] | None = None,
        keyed: dict[float, str] | None = None,
        point: Point | None = None,
        exact: Decimal | None = None,
        maybe: float | None = None,
        said: str = "",
    ) -> None:
        """Measure something."""

    tool = FunctionTool(measure)

    with pytest.raises(ToolRefused, match=rf"^{name} is -?(nan|NaN|inf|Infinity); it must be a finite number$"):
        tool.check(text.format(word=word))
    # Where a text is wanted it is a word like any other.
    assert tool.check(f'{{"once": 2, "said": "{word}"}}') == {"once": 2.0, "said": word}


LAMP_TAKES = "set_lamp takes room, level, colour, fade_s, also, note, dim, is_night"


@pytest.mark.parametrize("text", ["", "  \n", "{}", "null"])
def test_every_spelling_of_no_arguments_is_accepted(text: str) -> None:
    def now() -> None:
        """Tell the time."""

    assert FunctionTool(now).check(text) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"room": "hall", "level": 130}', "level is 130; it must be between 0 and 100"),
        ('{"room": "hall", "level": "loud"}', 'level is "loud"; it must be a whole number between 0 and 100'),
        ('{"room": "hall", "level": 2.5}', "level is 2.5; it must be a whole number between 0 and 100"),
        ('{"room": "hall", "level": 1, "colour": "blue"}', 'colour is "blue"; it must be "cold" or "warm"'),
        ('{"room": "hall", "level": 1, "also": ["a", 1]}', "also[1]: Expected `str`, got `int`"),
        ('{"room": "hall", "level": 1, "dim": 0}', "dim is 0; it must be at least 1"),
        ('{"room": "hall"}', "level is missing"),
        ('{"room": "hall", "level": null}', "level is missing"),
        ('{"room": "hall", "level": 1, "hue": 3}', 'there is no argument "hue"; ' + LAMP_TAKES),
        ('{"room": "hall", "level": 1, "": {}}', 'there is no argument ""; ' + LAMP_TAKES),
        ("", "room is missing"),
        ("[]", "the arguments must be a JSON object"),
        ('"hall"', "the arguments must be a JSON object"),
        ('{"room": "hall"', "the arguments are not valid JSON"),
        ("{room: 1}", "the arguments are not valid JSON"),
        ("[" * 60_000, "the arguments are not valid JSON"),
        ("\ud800", "the arguments are not valid JSON"),
        (" " * (ARGUMENTS_LIMIT + 1), "the arguments are longer than 65536 characters"),
    ],
)
def test_wrong_arguments_are_refused_with_the_name_of_the_parameter(
    text: str, expected: str, lamp: FunctionTool
) -> None:
    with pytest.raises(ToolRefused) as refused:
        lamp.check(text)

    assert str(refused.value) == expected


@given(st.text())
def test_any_text_is_either_parsed_or_refused(text: str) -> None:
    tool = FunctionTool(set_lamp)
    try:
        checked = tool.check(text)
    except ToolRefused:
        return
    assert checked.keys() <= {"room", "level"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["room", "level", "colour", "fade_s", "also", "note", "dim"]), json_values))
def test_accepted_arguments_have_the_types_of_the_signature(given_arguments: dict[str, Any]) -> None:
    tool = FunctionTool(set_lamp)
    try:
        checked = tool.check(msgspec.json.encode(given_arguments).decode())
    except ToolRefused:
        return
    assert isinstance(checked["room"], str)
    assert 0 <= checked["level"] <= 100
    assert checked.get("colour", "warm") in {"warm", "cold"}
    assert all(isinstance(each, str) for each in checked.get("also", []))


def test_two_tools_cannot_share_a_name() -> None:
    source = FunctionSource([set_lamp])

    with pytest.raises(ValueError, match="already a tool named set_lamp"):
        source.add(set_lamp)


def test_functions_are_added_together_or_not_at_all() -> None:
    source = FunctionSource([set_lamp])

    with pytest.raises(TypeError, match="no_docstring has no docstring"):
        source.add_all([by_place_named, no_docstring])
    with pytest.raises(ValueError, match="there is already a tool named by_place_named"):
        source.add_all([by_place_named, by_place_named])
    assert [tool.definition.name for tool in source.tools()] == ["set_lamp"]

    source.add_all([by_place_named])
    assert [tool.definition.name for tool in source.tools()] == ["set_lamp", "by_place_named"]


def by_place_named(room: str) -> str:
    """Look into a room."""
    return room


def no_docstring() -> None:
    pass


def no_type(room) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Go."""


def spread(*rooms: str) -> None:
    """Go."""


def by_place(room: str, /) -> None:
    """Go."""


def unreadable(number: complex) -> None:
    """Go."""


def unknown(room: "Nowhere") -> None:  # type: ignore[name-defined]  # noqa: F821 - the mistake that is tested
    """Go."""


def counting() -> Iterator[int]:
    """Go."""
    yield 1


async def counting_slowly() -> AsyncIterator[int]:
    """Go."""
    yield 1


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        (counting, "counting is a generator: a tool returns its result"),
        (counting_slowly, "counting_slowly is a generator"),
        (no_docstring, "no_docstring has no docstring"),
        (no_type, "no_type: room has no type"),
        (spread, "spread: rooms cannot be passed by name"),
        (by_place, "by_place: room cannot be passed by name"),
        (unreadable, "unreadable: .*complex"),
        (unknown, "unknown: the type Nowhere is not known where the function is defined"),
        (lambda: None, "'<lambda>' cannot be the name of a tool"),
    ],
)
def test_an_unsuitable_function_is_refused_when_it_is_added(function: Any, complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        FunctionTool(function)


def test_a_parameter_with_a_list_as_its_default_accepts_a_list() -> None:
    def pack(things: list[str] = ["keys"]) -> list[str]:  # noqa: B006 - a model's view of a default
        """Pack."""
        return things

    tool = FunctionTool(pack)

    assert asyncio.run(called(tool)) == ["keys"]
    assert tool.check('{"things": ["hat"]}') == {"things": ["hat"]}


def test_methods_can_be_tools() -> None:
    class Oven:
        async def heat(self, degrees: int) -> None:
            """Heat the oven."""
            self.degrees = degrees

    oven = Oven()
    tool = FunctionTool(oven.heat)

    assert tool.definition.parameters["required"] == ["degrees"]
    asyncio.run(called(tool, '{"degrees": 180}'))
    assert oven.degrees == 180


@dataclass(frozen=True)
class Lamp:
    """A lamp in the house."""

    room: str
    colour: Annotated[str | None, Meta(description="a word for it")] = None


class Mood(enum.Enum):
    CALM = "calm"
    LOUD = "loud"


async def arrange(
    lamp: Lamp,
    others: list[Lamp],
    mood: Mood = Mood.CALM,
    place: Place = Place("hall"),  # noqa: B008 - a model's view of a default
    mode: Literal["day", "night"] | None = None,
    instead: Lamp | None = None,
) -> list[Any]:
    """Arrange the lamps.

    Parameters
    ----------
    lamp : Lamp
        the lamp to begin with,
        which goes on
    mood
        how it should feel
    """
    return [lamp, others, mood, place, mode, instead]


LAMP_SCHEMA = {
    "title": "Lamp",
    "type": "object",
    "properties": {"room": {"type": "string"}, "colour": {"type": "string", "description": "a word for it"}},
    "required": ["room"],
}


def test_the_model_sees_dataclasses_structs_and_enumerations_as_plain_json() -> None:
    parameters = FunctionTool(arrange).definition.parameters

    assert parameters["required"] == ["lamp", "others"]
    assert parameters["properties"]["lamp"] == {
        **LAMP_SCHEMA,
        "description": "the lamp to begin with, which goes on",
    }
    assert parameters["properties"]["others"]["items"] == {**LAMP_SCHEMA, "description": "A lamp in the house."}
    assert parameters["properties"]["mood"]["enum"] == ["calm", "loud"]
    assert parameters["properties"]["mood"]["description"] == "how it should feel"
    assert parameters["properties"]["mode"] == {"enum": ["day", "night"]}
    assert parameters["properties"]["instead"] == {**LAMP_SCHEMA, "description": "A lamp in the house."}
    assert "default" not in parameters["properties"]["place"]


def test_dataclasses_structs_and_enumerations_reach_the_function_as_such() -> None:
    arguments = """{"lamp": {"room": "hall", "colour": null}, "others": [{"room": "den", "colour": "red"}],
        "mood": "loud", "mode": "night"}"""

    answer = asyncio.run(called(FunctionTool(arrange), arguments))

    assert answer == [Lamp("hall"), [Lamp("den", "red")], Mood.LOUD, Place("hall"), "night", None]


def test_an_error_inside_an_object_is_reported_with_its_path() -> None:
    with pytest.raises(ToolRefused, match=r"others\[0\]\.room: Expected `str`, got `int`"):
        FunctionTool(arrange).check('{"lamp": {"room": "hall"}, "others": [{"room": 3}]}')


def test_the_model_does_not_see_the_context_and_cannot_give_one() -> None:
    def search(words: str, context: ToolContext) -> str:
        """Search for long."""
        return f"{words} for {context.call_id}"

    tool = FunctionTool(search)

    assert list(tool.definition.parameters["properties"]) == ["words"]
    assert asyncio.run(called(tool, '{"words": "tea"}', ToolContext("c1"))) == "tea for c1"
    with pytest.raises(ToolRefused, match='there is no argument "context"; search takes words'):
        tool.check('{"words": "tea", "context": {}}')


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ('{"lamp": {"room": "a", "size": 1}, "others": []}', 'no argument "size"; lamp takes room, colour'),
        (
            '{"lamp": {"room": "a"}, "others": [{"room": "b"}, {"room": "c", "x": 1}]}',
            '"x"; others[1] takes room, colour',
        ),
        (
            '{"lamp": {"room": "a"}, "others": [], "place": {"name": "a", "x": 1}}',
            'no argument "x"; place takes name, floor',
        ),
    ],
)
def test_an_unknown_name_inside_an_object_is_refused_too(arguments: str, complaint: str) -> None:
    with pytest.raises(ToolRefused) as refused:
        FunctionTool(arrange).check(arguments)

    assert complaint in str(refused.value)


def test_a_tool_without_arguments_says_so() -> None:
    def now() -> None:
        """Tell the time."""

    with pytest.raises(ToolRefused, match='there is no argument "zone"; now takes no arguments'):
        FunctionTool(now).check('{"zone": "UTC"}')


@pytest.mark.parametrize("style", ["Args:\n    degrees: how hot", ":param degrees: how hot", "@param degrees: how hot"])
def test_the_usual_styles_of_docstrings_describe_parameters(style: str) -> None:
    def heat(degrees: int) -> None: ...

    heat.__doc__ = f"Heat the oven.\n\n{style}\n"

    parameters = FunctionTool(heat).definition.parameters
    assert parameters["properties"]["degrees"]["description"] == "how hot"


def test_a_function_source_lists_its_tools_and_reports_changes() -> None:
    source = FunctionSource([set_lamp])
    seen: list[list[str]] = []
    source.on_change(lambda: seen.append([tool.definition.name for tool in source.tools()]))

    @source.tool
    def now() -> str:
        """Return the time."""
        return "18:04"

    assert now() == "18:04"
    assert seen == [["set_lamp", "now"]]
    assert source.may_offer("now")
    assert not source.may_offer("later")


def test_the_example_function_in_the_library_documentation_works() -> None:
    page = Path(__file__).parents[2] / "docs" / "library.md"
    (block,) = (
        each for each in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL) if "ToolContext" in each
    )
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102 - our own page

    found = asyncio.run(called(FunctionTool(names["search"]), '{"words": "tea"}'))

    assert found == ["something about tea"] * 3


def test_a_text_of_another_form_is_refused_in_the_words_of_its_description() -> None:
    """A regular expression tells a model little, and the person whose program has set an alarm nothing."""

    def wake(
        time: Annotated[str, Meta(pattern=r"^\d\d:\d\d$"), "local time, such as 07:00"],
        code: Annotated[str, Meta(pattern=r"^[a-z]$")] = "a",
    ) -> None:
        """Set an alarm."""

    tool = FunctionTool(wake)

    with pytest.raises(ToolRefused, match=r'^time is "7 in a while"; it must be a text: local time, such as 07:00$'):
        tool.check('{"time": "7 in a while"}')
    with pytest.raises(ToolRefused, match=r'^code is "A"; it must be a text of another form$'):
        tool.check('{"time": "07:00", "code": "A"}')
