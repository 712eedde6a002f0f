import asyncio

from edgevoice.core.facts import Event, GoodbyeRequested
from edgevoice.tools.functions import FunctionTool
from edgevoice.tools.session import goodbye_tool
from tests.tools.calling import called


def test_the_model_can_end_the_conversation() -> None:
    reported: list[Event] = []
    tool = FunctionTool(goodbye_tool(reported.append))

    answer = asyncio.run(called(tool))

    assert answer == {"ok": True}
    assert reported == [GoodbyeRequested()]
