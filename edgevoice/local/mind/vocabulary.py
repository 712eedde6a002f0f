"""All phrasings that the brain understands, for the recogniser's grammar. Pure and deterministic."""

from collections.abc import Iterator

from edgevoice.local.mind.numbers import spoken

# "Alexa" needs no "hey"; the others do. In dictionary spelling.
WAKE_PHRASES = ("hey jarvis", "hey mycroft", "hey raspy", "alexa")
# What changes the meaning of a command. The recogniser must know it, or it would hear only the command.
TURNING = (
    *("don't {}", "do not {}", "please don't {}", "never {}", "you should not {}", "i did not say {}"),
    *("i didn't say {}", "did you {}", "why did you {}", "why don't you {}", "how do i {}", "when will you {}"),
    *("what does {} mean", "i {}", "he said {}", "she said {}", "i said {}", "if i say {}"),
)

_PERCENTS = (*range(61), 70, 75, 80, 90, 100)
_UNITS = ("seconds", "minutes", "hours")
_COMMON = (
    *("what time is it", "what time is it now", "what's the time", "what is the time", "tell me the time"),
    *("what's the date", "what is the date", "what day is it", "what day is it today", "what is today's date"),
    *("what's the date today", "what is the date today", "tell me the date"),
    *("volume up", "volume down", "turn the volume up", "turn the volume down", "turn up the volume"),
    *("turn down the volume", "turn it up", "turn it down", "make it louder", "make it quieter"),
    *("louder", "quieter", "mute the volume", "mute"),
    *("cancel the timer", "stop the timer", "cancel my timer", "cancel all timers", "cancel the timers"),
    *("delete the timer", "delete all timers", "turn off the timer", "turn off my timer", "clear the timer"),
    *("never mind the timer", "forget the timer", "forget about the timer", "stop the story", "no thank you"),
    *("set a timer for a minute", "set a timer for an hour", "set a timer for one minute"),
    *("set a timer for one hour", "set a timer for half an hour", "set a one minute timer", "set a one hour timer"),
    *("tell me a story", "tell me another story", "tell me a joke", "tell me another joke", "another joke"),
    *("what can you do", "say that again", "repeat that", "never mind", "be quiet", "hello", "good night"),
    *("stop", "cancel", "help", "thanks", "thank you", "goodbye", "bye", "good morning", "good evening"),
)
# Memory and personas, as far as they need no words of one's own.
_COMMON_OF_MEMORY = (
    *("what do you remember", "what did i ask you to remember", "what do you remember about me"),
    *("forget everything", "forget everything you know", "clear your memory"),
)
_COMMON_OF_PERSONAS = (
    *("be a pirate", "be a storyteller", "be a teacher", "be brief", "talk like a pirate", "be yourself again"),
    *("be yourself", "talk slower", "talk faster", "speak slower", "speak faster", "slow down", "talk a bit slower"),
    *("talk a bit faster", "another voice", "a different voice", "change your voice", "as before", "talk as before"),
    *("undo that",),
)
# Timers and alarms, as far as they need no words of one's own.
_COMMON_OF_ALARMS = (
    *("how long is left", "how much time is left", "what alarms are set", "what timers are set", "cancel my alarm"),
    *("cancel the alarm", "cancel all alarms", "snooze", "why did that fail", "add a minute", "add one minute"),
    *("pause the timer", "pause my timer", "resume the timer", "resume my timer", "continue the timer"),
)
_ALARM_DAYS = ("", " on weekdays", " every day")
# Names and reminders that many people use. Others would be heard as sounds that belong to no word.
_TIMER_NAMES = ("pasta", "egg", "tea", "pizza", "rice", "bread", "oven", "laundry", "coffee", "cake")
_REMINDERS = (
    *("call mum", "call dad", "feed the cat", "feed the dog", "take my medicine", "take out the bins"),
    *("take out the trash", "water the plants", "go to bed"),
)
# Replies to our questions that mean nothing else: "A timer for ten minutes?", "no, twenty".
_YES_AND_NO = ("yes", "yes please", "yeah", "yes do", "okay", "no", "no thanks", "no thank you")


def commands() -> Iterator[str]:
    """Yield every command."""
    yield from _COMMON
    yield from _COMMON_OF_MEMORY
    yield from _COMMON_OF_PERSONAS
    yield from _COMMON_OF_ALARMS
    yield from (f"wake me at {hour}{days}" for hour in map(spoken, range(1, 13)) for days in _ALARM_DAYS)
    yield from (f"remind me at {hour} to {what}" for hour in map(spoken, range(1, 13)) for what in _REMINDERS)
    yield from (f"add {number} minutes" for number in map(spoken, range(2, 31)))
    for name in _TIMER_NAMES:
        yield from (f"cancel the {name} timer", f"how long is left on the {name} timer")
        yield from (
            f"{start}{number} minute {name} timer" for number in map(spoken, range(1, 61)) for start in ("set a ", "")
        )
    for percent in map(spoken, _PERCENTS):
        yield from (f"set the volume to {percent} percent", f"set volume to {percent} percent")
        yield from (
            f"turn the volume to {percent} percent",
            f"volume {percent} percent",
            f"set the volume to {percent}",
        )
    for number in map(spoken, range(2, 61)):
        yield from (f"set a timer for {number} {unit}" for unit in _UNITS)
        yield f"set a {number} hour timer"
        yield from (f"set a {number} {unit} timer" for unit in ("second", "minute"))
        yield f"cancel the {number} minute timer"
    for number in map(spoken, (70, 75, 80, 90)):
        yield from (f"set a timer for {number} {unit}" for unit in ("seconds", "minutes"))


def answers() -> Iterator[str]:
    """Yield the replies to a question whether a command was heard correctly."""
    yield from _YES_AND_NO
    percents = (f"{percent} percent" for percent in map(spoken, _PERCENTS))
    for correction in (*map(spoken, _PERCENTS), *percents, *_durations()):
        yield from (correction, f"no {correction}")
        yield f"{correction} please"


def _durations() -> Iterator[str]:
    yield from ("a minute", "one minute", "an hour", "one hour", "half an hour")
    yield from (f"{number} {unit}" for number in map(spoken, range(2, 61)) for unit in _UNITS)
