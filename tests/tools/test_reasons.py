"""The model can explain what failed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from edgevoice.tools.reasons import nothing_failed, reasons_tool


def called(tool: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    async def call() -> dict[str, Any]:
        return await tool()

    return asyncio.run(call())


def test_the_last_three_failures_are_reported() -> None:
    failures = [{"at": str(number), "problem": "no answer", "remedy": "Ask again."} for number in range(5)]

    assert called(reasons_tool(lambda: failures)) == {"failures": failures[:3]}


def test_without_failures_the_model_is_told_so() -> None:
    assert called(reasons_tool(nothing_failed)) == {"failures": [], "hint": "nothing has failed lately"}
