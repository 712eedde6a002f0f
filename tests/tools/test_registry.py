import logging
from collections.abc import Callable, Sequence

import pytest

from edgevoice.errors import SettingsInvalid, ToolRefused
from edgevoice.tools.functions import FunctionSource, FunctionTool
from edgevoice.tools.registry import Registry
from edgevoice.tools.tool import Tool


def first() -> None:
    """Be first."""


def second() -> str:
    """Be second."""
    return "second"


class Wandering:
    """A ``ToolSource`` whose tools appear later and disappear again."""

    name = "wandering"

    def __init__(self, *may_come: str) -> None:
        self._may_come = may_come
        self._tools: Sequence[Tool] = ()
        self._changed: Callable[[], None] = lambda: None

    def tools(self) -> Sequence[Tool]:
        return self._tools

    def may_offer(self, name: str) -> bool:
        return name in self._may_come

    def on_change(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    def become(self, *tools: Tool) -> None:
        self._tools = tools
        self._changed()


def test_definitions_have_the_form_that_the_service_expects() -> None:
    assert Registry([FunctionSource([first])]).definitions() == [
        {
            "type": "function",
            "name": "first",
            "description": "Be first.",
            "parameters": {"type": "object", "properties": {}},
        }
    ]


def test_a_tool_that_is_not_allowed_at_the_moment_is_neither_offered_nor_found() -> None:
    allowed = {"second"}
    registry = Registry([FunctionSource([first, second])], enabled=["first"], allows=allowed.__contains__)
    everything = Registry([FunctionSource([first, second])], allows=allowed.__contains__)

    assert (registry.names, everything.names) == ((), ("second",))
    with pytest.raises(ToolRefused, match="there are: second"):
        everything.find("first")
    allowed.add("first")
    assert (registry.names, everything.names) == (("first",), ("first", "second"))


def test_an_unknown_tool_is_refused_and_the_error_lists_the_known_ones() -> None:
    with pytest.raises(ToolRefused, match="no such tool; there are: first, second"):
        Registry([FunctionSource([first, second])]).find("rm")
    with pytest.raises(ToolRefused, match="there are: none"):
        Registry([]).find("rm")


def test_enabled_tools_are_offered_in_order_and_the_rest_cannot_be_called() -> None:
    registry = Registry([FunctionSource([first]), FunctionSource([second])], enabled=["second", "second"])

    assert registry.names == ("second",)
    with pytest.raises(ToolRefused):
        registry.find("first")
    assert Registry([FunctionSource([first, second])], enabled=["second", "first"]).names == ("second", "first")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("secnd", "tools.enabled names secnd, and there is no such tool; did you mean second?"),
        ("fly", "tools.enabled names fly, and there is no such tool"),
    ],
)
def test_an_unknown_name_is_refused_and_the_error_suggests_the_closest_known_one(name: str, complaint: str) -> None:
    registry = Registry([FunctionSource([first, second])], enabled=["first", name])

    with pytest.raises(SettingsInvalid) as refused:
        registry.check_enabled()

    assert str(refused.value) == complaint
    assert refused.value.remedy == "Correct it or take it out; the tools are first, second."


def test_without_any_tools_the_error_says_so() -> None:
    with pytest.raises(SettingsInvalid) as refused:
        Registry([], enabled=["fly"]).check_enabled()

    assert refused.value.remedy == "Correct it or take it out; the tools are none."


def test_a_tool_that_may_appear_later_can_be_enabled_and_is_offered_while_present() -> None:
    source = Wandering("second")
    registry = Registry([FunctionSource([first]), source], enabled=["first", "second"])

    registry.check_enabled()
    seen = [registry.names]
    source.become(FunctionTool(second))
    seen.append(registry.names)
    source.become()
    seen.append(registry.names)

    assert seen == [("first",), ("first", "second"), ("first",)]


def test_a_change_is_reported_only_when_the_offered_tools_change() -> None:
    source = Wandering()
    registry = Registry([FunctionSource([first]), source], enabled=["first", "second"])
    seen: list[tuple[str, ...]] = []
    registry.on_change(lambda: seen.append(registry.names))

    def third() -> None:
        """Be third, which is not enabled."""

    source.become(FunctionTool(third))
    assert seen == []
    source.become(FunctionTool(second))
    source.become(FunctionTool(second))
    source.become()

    assert seen == [("first", "second"), ("first",)]


def test_of_two_tools_with_the_same_name_the_earlier_sources_is_offered_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ours = FunctionSource([second])
    registry = Registry([ours, FunctionSource([second], name="folder")])

    with caplog.at_level(logging.WARNING):
        assert all(registry.find("second") is ours.tools()[0] for _ in range(2))

    assert [(each.msg, vars(each)["fields"]) for each in caplog.records] == [
        ("tool-name-taken", {"tool": "second", "source": "folder"})
    ]


def test_tools_of_an_always_enabled_source_are_offered_without_being_named() -> None:
    named = FunctionSource([first, second])
    always = Wandering()
    registry = Registry([named], enabled=["second"], always=[always])
    changes: list[tuple[str, ...]] = []
    registry.on_change(lambda: changes.append(registry.names))

    always.become(FunctionTool(first))

    assert changes == [("second", "first")]
    assert registry.find("first") is not None
