"""What a message to the box asks for, as a request of the control socket. Pure: every payload is checked here."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from edgevoice.control import messages
from edgevoice.control.messages import LONGEST_TEXT, AnyRequest, Refused
from edgevoice.core.printable import one_line

LARGEST_BYTES: Final = 16_384
"""The longest payload: a text of 2,000 letters, its context as long, each letter of up to four bytes."""

_REMEDY: Final = "docs/home-assistant.md describes every topic."


# Home Assistant makes a number of a text that looks like one.
QuestionId = Annotated[str, Meta(max_length=64)] | Annotated[int, Meta(ge=0, le=2**53)]


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    """The payload of ``ask``: what to ``say``, whether to listen then, and what the service should know.

    ``id`` comes back with the reply.
    """

    say: Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)]
    then_listen: bool = True
    context: Annotated[str, Meta(max_length=LONGEST_TEXT)] = ""
    id: QuestionId = ""
    quiet_hours: messages.QuietHours = "skip"


class _Identified(Struct, frozen=True):
    id: QuestionId = ""


_question: Final = msgspec.json.Decoder(Question)
_identified: Final = msgspec.json.Decoder(_Identified)

_PRESSED: Final[dict[str, AnyRequest]] = {
    "talk": messages.Talk(),
    "stop": messages.Stop(),
    "hang-up": messages.HangUp(),
    "snooze": messages.Snooze(),
}


def request_of(command: str, payload: bytes) -> AnyRequest:
    """Return the request in a message. Raises ``Refused``, which says what is wrong with it."""
    if len(payload) > LARGEST_BYTES:
        raise _wrong(command, f"the payload is longer than {LARGEST_BYTES} bytes")
    match command:
        case "ask":
            return _asked(payload)
        case "say":
            return messages.SayText(text=_text(command, payload, LONGEST_TEXT), chime=True, quiet_hours="skip")
        case "mute":
            wanted = _one_of(command, payload, "ON", "OFF")
            return messages.Mute() if wanted == "ON" else messages.Unmute()
        case "volume":
            return messages.SetVolume(percent=_percent(command, payload))
        case "earcons":
            return messages.SetEarcons(percent=_percent(command, payload))
        case "brightness":
            return messages.SetBrightness(percent=_percent(command, payload))
        case "persona":
            return messages.SetPersona(name=_text(command, payload, 100))
        case "voice":
            return messages.SetVoice(name=_text(command, payload, 100))
        case _ if (pressed := _PRESSED.get(command)) is not None:
            _one_of(command, payload, "PRESS")
            return pressed
        case _:
            raise Refused("bad-request", "there is no such command", _REMEDY)


def id_of(command: str, payload: bytes) -> str | int:
    """Return the id in the payload of a question that is refused, so that whoever asked learns of it; empty if none."""
    if command != "ask" or len(payload) > LARGEST_BYTES:
        return ""
    try:
        return _identified.decode(payload).id
    except (msgspec.DecodeError, ValueError, RecursionError):
        return ""


def _asked(payload: bytes) -> AnyRequest:
    try:
        asked = _question.decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise _wrong("ask", f"the JSON is not what is expected: {one_line(str(error))}"[:300]) from None
    if asked.then_listen:
        return messages.AskQuestion(
            text=asked.say, context=asked.context, chime=True, quiet_hours=asked.quiet_hours, id=asked.id
        )
    return messages.SayText(text=asked.say, chime=True, quiet_hours=asked.quiet_hours, id=asked.id)


def _text(command: str, payload: bytes, most: int) -> str:
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError:
        raise _wrong(command, "the text is not UTF-8") from None
    if not 0 < len(text) <= most:
        raise _wrong(command, f"a text of 1 to {most} letters is expected")
    return text


def _percent(command: str, payload: bytes) -> int:
    # Home Assistant sends whole numbers as 40, and as 40.0 if the entity has steps of its own.
    digits = payload.decode("latin-1").strip().removesuffix(".0")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 3 and int(digits) <= 100):
        raise _wrong(command, "a whole number from 0 to 100 is expected")
    return int(digits)


def _one_of(command: str, payload: bytes, *words: str) -> str:
    for word in words:
        if payload == word.encode():
            return word
    raise _wrong(command, f"the payload must be {' or '.join(words)}")


def _wrong(command: str, problem: str) -> Refused:
    return Refused("bad-request", f"{command}: {problem}", _REMEDY)
