from typing import Any

import pytest

from edgevoice.local.refusals import RequestRefused
from edgevoice.local.session_patch import rest_of


def refusal(param: str | None) -> RequestRefused:
    return RequestRefused("invalid_value", "Bad", param=param)


@pytest.mark.parametrize(
    ("patch", "param", "rest"),
    [
        ({"a": 1, "b": 2}, "session.a", {"b": 2}),
        ({"a": {"x": 1, "y": 2}}, "session.a.x", {"a": {"y": 2}}),
        # An empty object is removed, and an object of an unknown type is removed whole.
        ({"a": {"x": 1}, "b": 2}, "session.a.x", {"b": 2}),
        ({"a": {"type": 1, "y": 2}, "b": 2}, "session.a.type", {"b": 2}),
        # A refused field that its object lacks, or one of a list's element, removes that object or list.
        ({"a": {"y": 2}, "b": 2}, "session.a.x", {"b": 2}),
        ({"a": [1, 2], "b": 2}, "session.a[1].x", {"b": 2}),
    ],
)
def test_only_the_refused_fields_are_left_out(patch: dict[str, Any], param: str, rest: dict[str, Any]) -> None:
    assert rest_of(patch, refusal(param)) == rest


@pytest.mark.parametrize("param", ["session.c", "session", "", None])
def test_removing_a_field_that_is_not_in_the_patch_is_refused(param: str | None) -> None:
    with pytest.raises(RequestRefused, match="Bad"):
        rest_of({"a": 1, "b": {"x": 2}}, refusal(param))
