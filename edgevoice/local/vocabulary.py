"""Every way to say what the brain understands, as weighted sentences for the recogniser. Pure and deterministic.

The recogniser learns word sequences from these sentences. Everyday words that mean nothing to the brain are among them
on purpose: without them the recogniser would have to bend whatever it hears into a command.
"""

import random
from collections.abc import Iterator

from edgevoice.local.numbers import spoken

# Alexa stands alone; the others need their "hey". In dictionary spelling.
WAKE_PHRASES = ("hey jarvis", "hey mycroft", "hey raspy", "alexa")
# Not in the CMU dictionary that pocketsphinx brings.
EXTRA_PRONUNCIATIONS = {"mycroft": "M AY K R AO F T"}

_PERCENTS = (*range(61), 70, 75, 80, 90, 100)
_COMMON = (
    (30, ("what time is it", "what time is it now", "what's the time", "what is the time", "tell me the time")),
    (30, ("what's the date", "what is the date", "what day is it", "what day is it today", "what is today's date")),
    (10, ("what's the date today", "what is the date today", "tell me the date")),
    # Short words, softly spoken; with less weight they were heard as "volume that".
    (150, ("volume up", "volume down", "what day is it")),
    (8, ("volume up", "volume down", "turn the volume up", "turn the volume down", "turn up the volume")),
    (8, ("turn down the volume", "turn it up", "turn it down", "make it louder", "make it quieter")),
    (30, ("louder", "quieter", "mute the volume")),
    (6, ("cancel the timer", "stop the timer", "cancel my timer", "cancel all timers", "cancel the timers")),
    (2, ("delete the timer", "delete all timers", "turn off the timer", "turn off my timer", "clear the timer")),
    (2, ("never mind the timer", "forget the timer", "forget about the timer", "stop the story", "no thank you")),
    (8, ("set a timer for a minute", "set a timer for an hour", "set a timer for one minute")),
    (8, ("set a timer for one hour", "set a timer for half an hour", "set a one minute timer")),
    (10, ("tell me a story", "tell me another story", "tell me a joke", "tell me another joke", "another joke")),
    (20, ("what can you do", "say that again", "repeat that", "never mind", "be quiet", "hello", "good night")),
    (60, ("stop", "cancel", "help", "thanks", "thank you", "goodbye", "bye")),
)
# What turns the meaning of a command. The recogniser must hear it, or it would hear the command alone.
_TURNED = (
    *("don't {}", "do not {}", "please don't {}", "never {}", "you should not {}", "i did not say {}"),
    *("i didn't say {}", "did you {}", "why did you {}", "why don't you {}", "how do i {}", "when will you {}"),
    *("what does {} mean", "i {}", "he said {}", "she said {}", "i said {}", "if i say {}"),
)
_FOREIGN_WORDS = (
    "i you he she it we they me him her us them my your his our their this these those who what where "
    "when why how which is are was were be been am do does did have has had will would can could should may "
    "might must go goes going went come came get got make made take took see saw know think like love want "
    "need say said tell told ask give find play call open close order buy look listen read write put keep not "
    "no yes well so but or if because very really just about some any much many more most all every again here "
    "there then tomorrow yesterday tonight of in on at by for from with without into over under to the a an "
    "and man woman people child children house home room kitchen light lights lamp door window car music song "
    "radio news weather rain sun water food dinner pizza coffee tea phone mother father friend name week month "
    "year morning city country world market book tale dog cat cats good bad new old big small little nice "
    "lovely quite great first last long right left red green blue white black"
)
_FOREIGN = _FOREIGN_WORDS.split()
_TURNED_SHARE = 0.5
_FOREIGN_SENTENCES = 3000


def sentences() -> list[str]:
    """Return the sentences, common ones repeated; the same list every time."""
    chance = random.Random(1)
    commands = [*_commands()]
    written = [phrase for phrase in WAKE_PHRASES for _ in range(40)]
    for command in commands:
        wake = chance.choice(WAKE_PHRASES)
        written += [command, command, f"{wake} {command}", f"{wake} {command}"]
        written += [f"{command} please", f"{wake} {command} and {chance.choice(commands)}"]
        written.append(f"{command} and {chance.choice(commands)}")
        if chance.random() < _TURNED_SHARE:
            written.append(chance.choice(_TURNED).format(command))
    for _ in range(_FOREIGN_SENTENCES):
        words = " ".join(chance.choices(_FOREIGN, k=chance.randint(1, 7)))
        written.append(f"{chance.choice(WAKE_PHRASES)} {words}" if chance.random() < 0.4 else words)
    return written


def _commands() -> Iterator[str]:
    for weight, phrases in _COMMON:
        for _ in range(weight):
            yield from phrases
    for percent in map(spoken, _PERCENTS):
        yield from (f"set the volume to {percent} percent", f"set volume to {percent} percent")
        yield from (
            f"turn the volume to {percent} percent",
            f"volume {percent} percent",
            f"set the volume to {percent}",
        )
    for number in map(spoken, range(2, 61)):
        yield from (f"set a timer for {number} {unit}" for unit in ("seconds", "minutes", "minutes", "hours"))
        yield from (f"set a {number} {unit} timer" for unit in ("second", "minute"))
        yield f"cancel the {number} minute timer"
