"""Asking back: what to ask about a command that may have been misheard, and what the user's reply means. Pure.

A question is a command in words, "A timer for ten minutes?", so the latest answer in the conversation is the only
state: a question expires with the next answer, and a new session has none.
"""

import re
from typing import assert_never

from edgevoice.local.mind.alarm_commands import (
    AlarmRequest,
    AlarmWish,
    CancelAlarmWish,
    CancelNamedWish,
    ChangeWish,
    LeftWish,
    NamedTimerWish,
    PauseWish,
    ReminderWish,
    SnoozeWish,
)
from edgevoice.local.mind.alarm_questions import question_about_alarm
from edgevoice.local.mind.intents import CancelWish, Intent, TimerWish, VolumeWish, Wish, normalise, understand
from edgevoice.local.mind.memory_commands import (
    FORGET_EVERYTHING,
    ForgetWish,
    MemoryWish,
    RecallWish,
    RememberWish,
    SearchWish,
    question_about,
)
from edgevoice.local.mind.numbers import spoken, spoken_duration
from edgevoice.local.mind.persona_commands import PersonaRequest, PersonaWish, SpeedWish, VoiceWish

_YES_WORDS = "yes yeah yep sure okay ok right correct exactly please do it that is thanks"
_YES = frozenset(_YES_WORDS.split())
_COMPLETE = re.compile(r"(?:yes|yeah|yep)(?: please)?|(?:no )?\d+ (?:second|minute|hour|percent)s?(?: please)?")


def question(intent: Intent) -> str | None:
    """Return what to ask before acting on uncertain words; None if repeating the command is quicker."""
    match intent:
        case TimerWish(seconds):
            return f"A timer for {spoken_duration(seconds)}?"
        case CancelWish(seconds):
            return f"Cancel the timer for {spoken_duration(seconds)}?"
        case VolumeWish(percent=int(percent)):
            return f"Volume at {spoken(percent)} percent?"
        case VolumeWish(change=change):
            return "Volume up?" if change is not None and change > 0 else "Volume down?"
        case Wish.CANCEL_TIMERS:
            return "Cancel the timers?"
        case Wish.GOODBYE:
            return "Goodbye?"
        case Wish.TIME | Wish.DATE | Wish.STORY | Wish.JOKE | Wish.HELP | Wish.REPEAT:
            return None
        case Wish.STOP | Wish.THANKS | Wish.HELLO | Wish.PLAY:
            return None
        case RememberWish() | ForgetWish() | RecallWish() | SearchWish() | MemoryWish():
            return question_about(intent)
        case PersonaWish() | VoiceWish() | SpeedWish() | PersonaRequest():
            return None
        case AlarmWish() | ReminderWish() | NamedTimerWish() | ChangeWish() | CancelNamedWish():
            return question_about_alarm(intent)
        case PauseWish() | CancelAlarmWish() | LeftWish() | SnoozeWish() | AlarmRequest():
            return question_about_alarm(intent)
        case _:
            assert_never(intent)


def asked(last_answer: str) -> Intent | None:
    """Return the command that the latest answer asked about; None if it asked about none."""
    said = _last_question(last_answer)
    if said == FORGET_EVERYTHING:
        return MemoryWish.FORGET_EVERYTHING  # the tool asks in these words, too
    meant = understand(said.removeprefix("Shall I "))
    # Any other question is a joke, or text that a client wanted spoken.
    return meant[0] if len(meant) == 1 and question(meant[0]) == said else None


def _last_question(answer: str) -> str:
    """Return the sentence that ``answer`` ends with, if it is a question; else an empty text."""
    text = answer.rstrip()
    begin = 1 + max(text.rfind(mark, 0, -1) for mark in ".!?")
    return text[begin:].strip() if text.endswith("?") and begin < len(text) - 1 else ""


def settled(text: str, asked_about: Intent) -> list[Intent] | None:
    """Return what the user wants after this question: nothing after a "no"; None if ``text`` does not answer it."""
    words = normalise(text).split()
    is_no, rest = words[:1] == ["no"], words[1:] if words[:1] == ["no"] else words
    if not words:
        return None
    if not rest:
        return []
    if not is_no and _YES.issuperset(words):
        return [asked_about]
    said = " ".join(rest)
    for whole in (" ".join(words), said, *_completed(said.removesuffix(" please"), asked_about)):
        if intents := understand(whole):
            return intents
    return [] if is_no else None


def is_answer(text: str) -> bool:
    """Return whether ``text`` is a complete reply to some question, so that the user's turn may end early."""
    return _COMPLETE.fullmatch(normalise(text)) is not None


def _completed(said: str, asked_about: Intent) -> list[str]:
    """Return the commands that an answer such as "twenty" or "twenty minutes" stands for."""
    match asked_about:
        case TimerWish(seconds) | CancelWish(seconds):
            unit = "hours" if seconds % 3600 == 0 else "minutes" if seconds % 60 == 0 else "seconds"
            of_what = "timer for" if isinstance(asked_about, TimerWish) else "cancel the timer for"
            return [f"{of_what} {said}", f"{of_what} {said} {unit}"]
        case VolumeWish():
            return [f"volume {said}"]
        case _:
            return []
