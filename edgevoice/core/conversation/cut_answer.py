"""A snapshot of an answer, taken when it was cut. Pure."""

from dataclasses import dataclass

from edgevoice.core.conversation.tool_round import ToolRoundState


@dataclass(frozen=True, slots=True)
class CutAnswer:
    """A snapshot of an answer, taken when it was cut.

    ``at``: when, in monotonic seconds. ``was_due``: another answer was to begin after it.
    """

    response_id: str
    at: float
    was_due: bool
    tools: ToolRoundState
    is_goodbye: bool

    @property
    def owes_answer(self) -> bool:
        """Whether another answer is still to be given once this one has been heard."""
        return self.was_due or self.tools is ToolRoundState.RUNNING
