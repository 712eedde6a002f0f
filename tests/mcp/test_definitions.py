"""What a server says of its tools is cut to measure, or left out with a remark."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgevoice.mcp.definitions import (
    LARGEST_LIST_BYTES,
    MOST_TOOLS,
    AnnouncedTool,
    catalogue_of,
    offered_name,
    parameters_of,
)

ANY: dict[str, Any] = {"type": "object"}


def announced(*names: str, schema: dict[str, Any] | None = None) -> list[AnnouncedTool]:
    return [AnnouncedTool(name, "Do it.", ANY if schema is None else schema) for name in names]


def test_a_tool_is_offered_under_the_servers_name_and_called_by_its_own() -> None:
    catalogue = catalogue_of("news", announced("headlines", "admin.users/list"), None)

    assert [tool.name for tool in catalogue.tools] == ["news__headlines", "news__admin_users_list"]
    assert catalogue.own_names == {"news__headlines": "headlines", "news__admin_users_list": "admin.users/list"}
    assert catalogue.remarks == ()
    assert offered_name("news", "admin.users/list") == "news__admin_users_list"


def test_only_allowed_tools_are_offered_and_an_allowed_one_that_is_missing_is_named() -> None:
    catalogue = catalogue_of("news", announced("headlines", "delete"), ["headlines", "weather"])

    assert [tool.name for tool in catalogue.tools] == ["news__headlines"]
    assert catalogue.remarks == ("allow names weather, which it does not have",)
    assert catalogue_of("news", announced("headlines"), []).tools == ()


@pytest.mark.parametrize(
    ("name", "remark"),
    [
        ("", "a tool without a name is left out: its name cannot be used"),
        ("...", "... is left out: its name cannot be used"),
        ("n" * 60, f"{'n' * 40}… is left out: its name cannot be used"),
        ("a\nb\x1b[31m", "news__a_b__31m"),
    ],
)
def test_an_odd_name_is_left_out_or_made_usable(name: str, remark: str) -> None:
    catalogue = catalogue_of("news", announced(name, "fine"), None)

    assert [*catalogue.remarks, *(tool.name for tool in catalogue.tools)] in (
        [remark, "news__fine"],
        ["news__a_b__31m", "news__fine"],
    )


def test_of_two_tools_with_one_name_the_first_is_offered() -> None:
    catalogue = catalogue_of("news", announced("a.b", "a/b"), None)

    assert catalogue.own_names == {"news__a_b": "a.b"}
    assert catalogue.remarks == ("a/b is left out: another tool has that name",)


def test_too_many_tools_are_cut_and_the_remark_says_how_to_choose() -> None:
    catalogue = catalogue_of("news", announced(*(f"tool{number}" for number in range(100))), None)

    assert len(catalogue.tools) == MOST_TOOLS
    assert catalogue.remarks == ("it has 100 tools, of which 64 are used; choose with allow",)


def test_the_whole_list_is_bounded_in_bytes() -> None:
    large = {"type": "object", "properties": {"x": {"description": "d" * 5900}}}

    catalogue = catalogue_of("news", announced(*(f"tool{number}" for number in range(64)), schema=large), None)

    assert len(msgspec.json.encode(catalogue.tools)) < LARGEST_LIST_BYTES + 10_000
    assert "choose with allow" in catalogue.remarks[0]


def test_many_remarks_are_counted() -> None:
    remarks = catalogue_of("news", announced(*["..."] * 20), None).remarks

    assert len(remarks) == 9
    assert remarks[-1] == "and 12 more"


def test_a_description_is_one_line_of_bounded_length() -> None:
    (tool,) = catalogue_of("news", [AnnouncedTool("x", "a\n\n b\ud800" + "c" * 5000, ANY)], None).tools

    assert tool.description.startswith("a b?c")
    assert len(tool.description) == 1000


# --- schemas ----------------------------------------------------------------------------------------------------------


def test_references_are_replaced_by_what_they_refer_to() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "place": {"$ref": "#/$defs/Place", "description": "where"},
            "definitions": {"type": "string"},
            "unit": {"enum": ["$ref", {"$ref": "#/$defs/Place"}]},
        },
        "$defs": {
            "Place": {"type": "object", "properties": {"a/b": {"$ref": "#/$defs/a~1b"}}},
            "a/b": {"type": "number"},
        },
        "required": ["place"],
    }

    assert parameters_of(schema) == {
        "type": "object",
        "properties": {
            "place": {"type": "object", "properties": {"a/b": {"type": "number"}}, "description": "where"},
            "definitions": {"type": "string"},
            "unit": {"enum": ["$ref", {"$ref": "#/$defs/Place"}]},
        },
        "required": ["place"],
    }


def test_names_are_not_taken_for_keywords_and_what_is_unknown_is_kept() -> None:
    schema = {
        "properties": {"type": {"type": ["string", "null"]}, "required": {"anyOf": [True, {"not": {}}]}},
        "patternProperties": {"enum": {}},
        "x-hints": {"type": 5, "enum": "none"},
    }

    assert parameters_of(schema) == {"type": "object", **schema}


def test_choices_at_the_top_for_which_a_service_refuses_the_session_are_offered_side_by_side() -> None:
    schema = {
        "type": "object",
        "properties": {"where": {"type": "string"}},
        "required": ["where"],
        "anyOf": [
            {"properties": {"by": {"const": "name"}, "name": {"type": "string"}}, "required": ["by", "name"]},
            {"oneOf": [{"properties": {"by": {"const": "id"}, "id": {"type": "integer"}}, "required": ["by", "id"]}]},
        ],
        "allOf": [True, {"required": ["who"], "properties": {"who": {}, "where": {"minLength": 1}}}],
        "not": {"required": ["what"]},
        "enum": [{}],
    }

    assert parameters_of(schema) == {
        "type": "object",
        "properties": {
            "who": {},
            "by": {"anyOf": [{"const": "name"}, {"const": "id"}]},
            "name": {"type": "string"},
            "id": {"type": "integer"},
            "where": {"type": "string"},
        },
        "required": ["by", "where", "who"],
    }
    assert parameters_of({"not": {}}) == {"type": "object", "properties": {}}


def test_an_array_of_anything_says_so() -> None:
    schema = {"properties": {"x": {"type": "array"}, "y": {"type": ["null", "array"], "items": {"type": "array"}}}}

    assert parameters_of(schema)["properties"] == {
        "x": {"type": "array", "items": {}},
        "y": {"type": ["null", "array"], "items": {"type": "array", "items": {}}},
    }


def test_a_tool_with_a_fault_is_left_out_only_where_it_was_wanted() -> None:
    tools = [*announced("fine"), AnnouncedTool("odd", "", {}, "inputSchema is missing")]

    assert catalogue_of("news", tools, None).remarks == (
        "odd is left out: its definition is not valid (inputSchema is missing)",
    )
    assert catalogue_of("news", tools, ["fine"]).remarks == ()


def test_a_schema_that_contains_itself_allows_anything_there() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}

    resolved = parameters_of({"properties": {"node": {"$ref": "#/$defs/Node"}}, "$defs": {"Node": node}})

    assert resolved["properties"]["node"]["properties"] == {"next": {}}


@pytest.mark.parametrize("reference", ["https://evil.example/schema", "#/nowhere", "#/type/x", "#"])
def test_a_reference_that_leads_nowhere_allows_anything(reference: str) -> None:
    assert parameters_of({"properties": {"x": {"$ref": reference}}})["properties"] == {"x": {}}


def _laughs() -> dict[str, Any]:
    levels = {f"L{n}": {"anyOf": [{"$ref": f"#/$defs/L{n + 1}"}] * 9} for n in range(12)}
    return {"type": "object", "properties": {"x": {"$ref": "#/$defs/L0"}}, "$defs": {**levels, "L12": {}}}


def _deep() -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(200):
        schema = {"not": schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "array"}, "are not those of an object"),
        ({"$ref": "#/$defs/X", "$defs": {"X": {"type": "string"}}}, "are not those of an object"),
        ({"type": "object", "properties": {"x": {"description": "d" * 1_000_000}}}, "bytes; at most 6144"),
        (_laughs(), "are too large or too deep"),
        (_deep(), "are too large or too deep"),
        ({"type": "object", "default": {1j}}, "are not JSON"),
        ({"properties": ["x"]}, "are malformed at properties"),
        ({"properties": {"x": "text"}}, "are malformed at properties.x"),
        ({"properties": {"x": {"type": "text"}}}, "are malformed at properties.x.type"),
        ({"properties": {"x": {"items": {"type": []}}}}, "are malformed at properties.x.items.type"),
        ({"properties": {"x": {"anyOf": [{}, 5]}}}, "are malformed at properties.x.anyOf.1"),
        ({"properties": {"x": {"$ref": "#/$defs/X"}}, "$defs": {"X": {"enum": "a"}}}, "malformed at properties.x.enum"),
        ({"required": "x"}, "are malformed at required"),
    ],
)
def test_a_schema_that_cannot_be_given_to_a_model_leaves_out_its_tool(schema: dict[str, Any], why: str) -> None:
    catalogue = catalogue_of("news", [*announced("odd", schema=schema), *announced("fine")], None)

    assert [tool.name for tool in catalogue.tools] == ["news__fine"]
    assert catalogue.remarks[0].startswith("odd is left out: its parameters ")
    assert why in catalogue.remarks[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["$ref", "properties", "type", "anyOf", "required", "$defs", "x"]), inner, max_size=4
        )
    ),
)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(["properties", "$defs", "anyOf", "$ref", "type"]), JSON, max_size=4))
def test_no_schema_breaks_the_catalogue(schema: dict[str, Any]) -> None:
    catalogue = catalogue_of("news", [AnnouncedTool("x", "", schema)], None)

    assert len(catalogue.tools) + len(catalogue.remarks) == 1
    msgspec.json.encode(catalogue.tools)
