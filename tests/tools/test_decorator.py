from typing import Any

import pytest

from edgevoice.tools.decorator import Mark, mark_of, tool
from edgevoice.tools.functions import FunctionSource, FunctionTool
from edgevoice.tools.registry import Registry


def test_the_bare_decorator_marks_a_function_and_leaves_it_as_it_is() -> None:
    @tool
    def ring() -> str:
        """Ring."""
        return "rang"

    assert ring() == "rang"
    assert mark_of(ring) == Mark()
    assert mark_of("ring") is None


def test_the_decorator_notes_what_the_tool_needs() -> None:
    @tool(requires_approval=True, timeout_s=3)
    def unlock() -> None:
        """Unlock the door."""

    definition = FunctionTool(unlock).definition

    assert definition.requires_approval
    assert definition.timeout_s == 3
    assert unlock.__name__ == "unlock"


def test_the_model_knows_which_tool_asks_the_user_first() -> None:
    @tool(requires_approval=True)
    def unlock() -> None:
        """Unlock the door."""

    (declared,) = Registry([FunctionSource([unlock])]).definitions()

    assert declared["description"] == (
        "Unlock the door. The user is asked for their approval first, so do not ask for it yourself."
    )


@pytest.mark.parametrize("seconds", [0, -1, 601])
def test_a_time_limit_of_no_use_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="it must be above 0, and at most 600 seconds"):
        tool(timeout_s=seconds)


def test_a_function_that_cannot_be_a_tool_is_refused_where_it_is_defined() -> None:
    def unclear(place: Any) -> None: ...

    with pytest.raises(TypeError, match="unclear has no docstring"):
        tool(requires_approval=True)(unclear)
