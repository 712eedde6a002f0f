import pytest

from edgevoice.core.consent import Consent
from edgevoice.local.mind import phrases
from edgevoice.local.mind.approvals import reply_to_approval, settled_call
from edgevoice.local.mind.brain import Prompt, Reply, answer
from edgevoice.local.mind.calls import RequestedCall, ToolResult

ASKED = "Shall I open gate: which front?"
RUN = 'The user agreed. open_gate has run and returned: {"state": "open"}'
DECLINED = 'The user did not agree. open_gate has not run: {"declined":true}'


def test_a_note_about_a_tool_is_read_as_its_call_and_output() -> None:
    assert settled_call(RUN) == ToolResult(RequestedCall("open_gate", {}), '{"state": "open"}')
    assert settled_call(DECLINED) == ToolResult(RequestedCall("open_gate", {}), '{"declined":true}')


@pytest.mark.parametrize("note", ["", "The user agreed.", "It rains.", "The user agreed. open gate has run: x"])
def test_other_notes_report_no_call(note: str) -> None:
    assert settled_call(note) is None


@pytest.mark.parametrize(
    ("said", "last", "consent"),
    [
        ("yes", ASKED, Consent.YES),
        ("no, leave it", ASKED, Consent.NO),
        ("what time is it", ASKED, Consent.UNCLEAR),
        ("yes", "A timer for ten minutes?", None),
        ("yes", "Shall I remember that the bins go out on monday?", None),
    ],
)
def test_a_reply_counts_only_after_the_question(said: str, last: str, consent: Consent | None) -> None:
    assert reply_to_approval(said, last) is consent


@pytest.mark.parametrize(
    ("prompt", "speech"),
    [
        (Prompt("yes", last_answer=ASKED), "Okay."),
        (Prompt("no", last_answer=ASKED), phrases.DECLINED),
        (Prompt("yes", last_answer=ASKED, note=RUN), "State open."),
        (Prompt(None, last_answer="Okay.", note=RUN), "State open."),
        (Prompt(None, last_answer=ASKED, note=DECLINED), phrases.DECLINED),
        (Prompt("thank you", last_answer="Okay.", note=RUN), "You are welcome. State open."),
        (Prompt("thank you", note="It rains."), "You are welcome."),
    ],
)
def test_the_outcome_of_an_approved_tool_is_told_once_and_beside_whatever_else_was_asked(
    prompt: Prompt, speech: str
) -> None:
    assert answer(prompt) == Reply(speech)
