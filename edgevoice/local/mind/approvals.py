"""Approvals: what to say of a tool that waited for the user's yes, and to the yes itself. Pure.

The client asks, decides, and then reports in a message of the role "system" how it ended, because the call itself was
answered long before. The wording of that note is edgevoice's own (``tools/approver.py``).
"""

import re

from edgevoice.core.consent import Consent, consent_of
from edgevoice.local.mind.calls import RequestedCall, ToolResult
from edgevoice.local.mind.questions import asked

_NOTE = re.compile(
    r"The user (agreed|did not agree)\. ([A-Za-z0-9_.-]+) has (?:run and returned|not run): (.*)", re.DOTALL
)
_QUESTION = re.compile(r"Shall I [^?]+\?\s*$")


def settled_call(note: str) -> ToolResult | None:
    """Return the call that a note reports, with its output; None if it reports none."""
    found = _NOTE.fullmatch(note.strip())
    return ToolResult(RequestedCall(found[2], {}), found[3]) if found is not None else None


def is_refusal(note: str) -> bool:
    """Return whether a note reports that the user did not want a tool to run."""
    found = _NOTE.fullmatch(note.strip())
    return found is not None and found[1] == "did not agree"


def reply_to_approval(text: str, last_answer: str) -> Consent | None:
    """Return what ``text`` says to the client's question whether a tool may run; None if that was not asked.

    A question of the brain's own is not the client's.
    """
    is_clients = _QUESTION.search(last_answer) is not None and asked(last_answer) is None
    return consent_of(text, "en") if is_clients else None
