import asyncio

from edgevoice.core.facts import Event, GoodbyeRequested
from edgevoice.tools.registry import Registry
from edgevoice.tools.session import goodbye_tool


def test_the_model_can_end_the_conversation() -> None:
    reported: list[Event] = []
    tool = Registry([goodbye_tool(reported.append)]).find("end_conversation")

    answer = asyncio.run(tool.function(**tool.check("")))

    assert answer == {"ok": True}
    assert reported == [GoodbyeRequested()]
