import pytest

from edgevoice.errors import ToolRefused
from edgevoice.tools.tool import ToolContext, decode_arguments


def test_a_cancelled_context_stays_cancelled() -> None:
    context = ToolContext("c1")

    assert (context.call_id, context.is_cancelled, context.wait_cancelled(0)) == ("c1", False, False)
    context.cancel()
    assert (context.is_cancelled, context.wait_cancelled(10)) == (True, True)


def test_arguments_other_than_an_object_are_refused() -> None:
    assert decode_arguments(' {"a": [1]}') == {"a": [1]}
    assert decode_arguments("null") == decode_arguments("") == {}
    with pytest.raises(ToolRefused, match="must be a JSON object"):
        decode_arguments("[]")
