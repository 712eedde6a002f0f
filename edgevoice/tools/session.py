"""The conversation itself, which the model may end."""

from collections.abc import Awaitable, Callable

from edgevoice.core.facts import GoodbyeRequested
from edgevoice.core.ports import Report


def goodbye_tool(report: Report) -> Callable[[], Awaitable[dict[str, bool]]]:
    """Return the tool that reports ``GoodbyeRequested``; the conversation ends once the answer has been spoken."""

    async def end_conversation() -> dict[str, bool]:
        """End the conversation, when the user says goodbye or wants nothing more."""
        report(GoodbyeRequested())
        return {"ok": True}

    return end_conversation
