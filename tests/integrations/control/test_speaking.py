"""What is said when, within quiet hours and without; what cannot be said is refused."""

import asyncio
from typing import Any

import pytest

from edgevoice.control.messages import Announce, AskQuestion, Refused, SayText, Spoken
from edgevoice.core.announcements import AnnouncementOutcome, Priority
from edgevoice.errors import LocalServiceUnavailable
from edgevoice.integrations.control.speaking import Samples, SpokenRequests
from tests.integrations.control.conftest import Ended, Mouth, letters


def carried_out(
    request: Spoken,
    mouth: Mouth | None = None,
    *,
    sound: bytes = b"",
    is_quiet: bool = False,
    is_deaf: bool = False,
    waited: list[str] | None = None,
) -> dict[str, Any]:
    mouth = mouth or Mouth()
    mouth.over.set()

    async def wait() -> None:
        (waited if waited is not None else []).append("waited")

    speaking = SpokenRequests(mouth, letters, lambda: is_quiet, wait)
    return asyncio.run(speaking.carry_out(request, sound, is_deaf=is_deaf))


def test_what_was_cut_says_how_much_was_heard() -> None:
    cut = carried_out(SayText(text="good day"), Mouth(Ended(AnnouncementOutcome.CUT, 740)))

    assert cut == {"outcome": "cut", "heard_ms": 740}


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (AnnouncementOutcome.TOO_MANY, "too-many"),
        (AnnouncementOutcome.NO_SPEAKER, "speaker"),
        (AnnouncementOutcome.WITHDRAWN, "withdrawn"),
    ],
)
@pytest.mark.parametrize("request_", [SayText(text="x"), AskQuestion(text="x"), Announce(text="x")])
def test_what_is_not_said_is_refused_with_the_reason(request_: Spoken, outcome: AnnouncementOutcome, code: str) -> None:
    with pytest.raises(Refused) as refused:
        carried_out(request_, Mouth(Ended(outcome)))

    assert refused.value.code == code


@pytest.mark.parametrize(
    "request_", [SayText(text="x", quiet_hours="skip"), AskQuestion(text="x", quiet_hours="skip"), Announce(text="x")]
)
def test_within_quiet_hours_nothing_is_said_that_can_be_skipped(request_: Spoken) -> None:
    mouth = Mouth()

    with pytest.raises(Refused, match="quiet hours"):
        carried_out(request_, mouth, is_quiet=True)
    assert mouth.said == []
    assert carried_out(request_, mouth)["outcome"] == "played"


def test_what_waits_is_said_when_quiet_hours_are_over_and_what_must_be_said_at_once() -> None:
    waited: list[str] = []

    carried_out(Announce(text="x", quiet_hours="speak"), is_quiet=True, waited=waited)
    assert waited == []
    carried_out(Announce(text="x", quiet_hours="wait"), is_quiet=True, waited=waited)
    assert waited == ["waited"]


def test_a_box_that_could_not_hear_the_reply_asks_nothing() -> None:
    with pytest.raises(Refused, match="muted"):
        carried_out(AskQuestion(text="Tea?"), is_deaf=True)


def test_an_announcement_is_a_text_or_a_sound() -> None:
    mouth = Mouth()

    carried_out(Announce(), mouth, sound=bytes(9))
    carried_out(Announce(text="four", priority="urgent", chime=False), mouth)
    for sound, text in ((b"", None), (b"xx", "text")):
        with pytest.raises(Refused, match="not both"):
            carried_out(Announce(text=text), sound=sound)

    assert mouth.said == [(4, Priority.ANSWER, True), (4, Priority.ANNOUNCEMENT, False)]


def test_a_text_that_cannot_be_spoken_is_refused_with_the_remedy() -> None:
    async def fail(_text: str) -> Samples:
        raise LocalServiceUnavailable("the voice is not installed")

    speaking = SpokenRequests(Mouth(), fail, lambda: False, fail)  # type: ignore[arg-type]  # it is not waited for

    with pytest.raises(Refused) as refused:
        asyncio.run(speaking.carry_out(SayText(text="x"), b"", is_deaf=False))
    assert (refused.value.code, refused.value.problem) == ("local-service-unavailable", "the voice is not installed")
    with pytest.raises(Refused, match="nothing in the text"):
        carried_out(SayText(text=" "))
