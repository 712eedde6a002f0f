"""The reasons why something failed, for the model to explain when the user asks."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

Reasons = Callable[[], Sequence[dict[str, Any]]]
"""Returns the last failures, newest first, as JSON objects."""

_MOST = 3


def reasons_tool(reasons: Reasons) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Return the tool that reports the last failures."""

    async def why_did_that_fail() -> dict[str, Any]:
        """Report what failed last, why, and what to do about it, when the user asks why something did not work."""
        found = list(reasons()[:_MOST])
        return {"failures": found} if found else {"failures": [], "hint": "nothing has failed lately"}

    return why_did_that_fail


def nothing_failed() -> Sequence[dict[str, Any]]:
    """Return no failures, for a box that records none."""
    return ()
