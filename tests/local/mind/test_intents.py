"""The meaning of a sentence: a command or nothing, but never the opposite."""

import itertools

import pytest

from edgevoice.local.mind import intents as intents_module
from edgevoice.local.mind.intents import CancelWish, Intent, TimerWish, VolumeWish, Wish, normalise, understand

TEN = TimerWish(600)
CANCEL = Wish.CANCEL_TIMERS

UNDERSTOOD: dict[str, list[Intent]] = {
    # A timer is set…
    "set a timer for ten minutes": [TEN],
    "Set a 10-minute timer.": [TEN],
    "please set me a ten minute timer for me": [TEN],
    "can you start a timer for ten minutes right now": [TEN],
    "I would like you to set a ten minute timer": [TEN],
    "ten minute timer": [TEN],
    "another ten minute timer please": [TEN],
    "yes set a timer for ten minutes": [TEN],
    "help me set a timer for ten minutes": [TEN],
    "set the timer for ten minutes": [TEN],
    "timer for half an hour": [TimerWish(1800)],
    "set a half hour timer": [TimerWish(1800)],
    "half an hour timer": [TimerWish(1800)],
    "quarter of an hour timer": [TimerWish(900)],
    "set a quarter hour timer": [TimerWish(900)],
    "timer ninety seconds": [TimerWish(90)],
    "set a timer for half a minute": [TimerWish(30)],
    "set a timer for an hour and a half": [TimerWish(5400)],
    "set a timer for one and a half hours": [TimerWish(5400)],
    "set a timer for two and a half minutes": [TimerWish(150)],
    "set a timer for three quarters of an hour": [TimerWish(2700)],
    "set a timer for a quarter of an hour": [TimerWish(900)],
    "set a timer for one hour two minutes and three seconds": [TimerWish(3723)],
    "set a timer for one hour and two minutes and three seconds": [TimerWish(3723)],
    "start a ten minute timer and set the volume to fifty percent": [TEN, VolumeWish(percent=50)],
    # … or cancelled, however it is phrased.
    "cancel the ten minute timer": [CancelWish(600)],
    "cancel my ten minute timer please": [CancelWish(600)],
    "stop the timer for ten minutes": [CancelWish(600)],
    "delete the half hour timer": [CancelWish(1800)],
    "turn off the ten minute timer": [CancelWish(600)],
    "turn the ten minute timer off": [CancelWish(600)],
    "forget about the ten minute timer": [CancelWish(600)],
    "never mind the ten minute timer": [CancelWish(600)],
    "get rid of that ten minute timer": [CancelWish(600)],
    "cancel the ten minute timer and set a five minute timer": [CancelWish(600), TimerWish(300)],
    "never mind the timer": [CANCEL],
    "nevermind the timer": [CANCEL],
    "forget the timer": [CANCEL],
    "remove all of my timers": [CANCEL],
    "turn the timer off": [CANCEL],
    "could you please stop the timer now": [CANCEL],
    "hey jarvis cancel both timers": [CANCEL],
    "stop the timer and tell me the time": [CANCEL, Wish.TIME],
    # The earlier words are withdrawn.
    "set a timer for ten minutes no never mind": [Wish.STOP],
    "set a timer for ten minutes cancel that": [Wish.STOP],
    "ten minute timer cancel": [Wish.STOP],
    "turn it up no stop": [Wish.STOP],
    "tell me a joke. No thanks.": [Wish.STOP],
    # The rest.
    "stop": [Wish.STOP],
    "no stop": [Wish.STOP],
    "stop stop stop": [Wish.STOP],
    "can you please stop talking": [Wish.STOP],
    "i want you to stop": [Wish.STOP],
    "stop the story": [Wish.STOP],
    "no thank you": [Wish.STOP],
    "no thanks": [Wish.STOP],
    "that's enough": [Wish.STOP],
    "Stop. Tell me a joke.": [Wish.STOP, Wish.JOKE],
    "stop and turn it down": [Wish.STOP, VolumeWish(change=-10)],
    "never mind what time is it": [Wish.STOP, Wish.TIME],
    "okay stop goodbye": [Wish.STOP, Wish.GOODBYE],
    "thank you goodbye": [Wish.THANKS, Wish.GOODBYE],
    "do you know what time it is": [Wish.TIME],
    "do you have the time": [Wish.TIME],
    "would you tell me what time it is": [Wish.TIME],
    "what time is it right now": [Wish.TIME],
    "can you repeat that": [Wish.REPEAT],
    "what did you say": [Wish.REPEAT],
    "what can you do": [Wish.HELP],
    "can you help me": [Wish.HELP],
    "tell me one more joke": [Wish.JOKE],
    "could you turn the volume down please": [VolumeWish(change=-10)],
    "full volume": [VolumeWish(percent=100)],
    "maximum volume": [VolumeWish(percent=100)],
    "mute the volume": [VolumeWish(percent=0)],
    "tell me a story again": [Wish.STORY],
}

NOT_UNDERSTOOD = [
    # Denied.
    "don't set a timer",
    "don't set a timer for ten minutes",
    "don\u2019t set a timer for ten minutes",
    "please do not set a ten minute timer",
    "never set a timer for ten minutes",
    "no timer for ten minutes",
    "no set a timer for ten minutes",
    "i did not set a timer for ten minutes",
    "you should not set a ten minute timer",
    "don't stop",
    "do not stop the timer",
    "don't cancel the ten minute timer",
    "never stop the timer",
    "don't turn the volume up",
    "not louder",
    "do not turn it down",
    "don't mute",
    "don't tell me a joke",
    "not another story",
    "no more jokes",
    "don't repeat that",
    "I did not say goodbye",
    "i didn't say stop",
    "don't say goodbye",
    "without a timer for ten minutes",
    "instead of a ten minute timer",
    "set a timer for ten minutes not",
    "it is not what time is it",
    # Asked about, and not asked for.
    "what does set a timer mean",
    "what does set a timer for ten minutes mean",
    "how do I turn the volume up",
    "how do i set a timer for ten minutes",
    "how can i cancel the timer",
    "why did you stop the timer",
    "why did you turn it up",
    "who said stop",
    "when does the ten minute timer ring",
    "is there a ten minute timer",
    "is a timer for ten minutes running",
    "how long is left on the ten minute timer",
    "what can i say to stop the timer",
    "what can you do stop the timer",
    "did you set a timer for ten minutes",
    "have you set the timer for ten minutes",
    "can i set a timer for ten minutes",
    "should i stop the timer",
    "what if i say stop",
    "is it louder",
    "what is the maximum volume",
    "is the volume at fifty percent",
    "what is the time limit",
    "what day is it tomorrow",
    "what time is it in london",
    "was that a joke",
    # A statement, not a request.
    "i set a timer for ten minutes",
    "you set a timer for ten minutes",
    "my mother set a ten minute timer",
    "the ten minute timer is too long",
    "he told me to stop",
    "she said goodbye",
    "i said goodbye to him",
    "it was a good night",
    "i want to stop the timer at noon",
    "if it rings stop the timer",
    "before you stop the timer tell me the time",
    "we will never say goodbye",
    # With another verb, or another thing.
    "rename the ten minute timer",
    "restart the ten minute timer",
    "extend the ten minute timer",
    "check the ten minute timer",
    "add two minutes to the ten minute timer",
    "stop the music",
    "stop the car",
    "cancel my subscription",
    "say goodbye",
    "repeat goodbye",
    "repeat after me goodbye",
    "repeat volume up",
    "cancel volume up",
    "cancel set a timer for ten minutes",
    "stop tell me a joke",
    "stop telling me a story",
    "unmute",
    "help yourself",
    "help stop",
    "thanks for nothing",
    "see you in court",
    "help me to find the station in the city",
    "set a timer for ten to fifteen minutes",
    "set a timer for two hours thirty",
    "turn up the heating",
    "what a joke",
    "the end of a story",
]


@pytest.mark.parametrize(("said", "intents"), [*UNDERSTOOD.items()])
def test_a_command_is_understood_however_it_is_phrased(said: str, intents: list[Intent]) -> None:
    assert understand(said) == intents


@pytest.mark.parametrize("said", NOT_UNDERSTOOD)
def test_a_command_inside_another_sentence_does_not_count(said: str) -> None:
    assert understand(said) == []


@pytest.mark.parametrize(
    ("said", "intents"),
    [
        ("what time is it the", [Wish.TIME]),
        ("turn the volume down a", [VolumeWish(change=-10)]),
        ("volume up the", []),
        ("stop the a", []),
        ("the stop", []),
    ],
)
def test_a_few_short_words_invented_by_the_recogniser_are_ignored(said: str, intents: list[Intent]) -> None:
    assert understand(said) == intents


def test_a_text_longer_than_a_minute_of_speech_is_rejected_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def reading(text: str) -> str:
        read.append(text)
        return normalise(text)

    monkeypatch.setattr(intents_module, "normalise", reading)

    assert understand("stop " * 199) != []
    assert len(read) == 1
    for said in ("stop " * 201, "no " * 50_000, "turn the " * 50_000):
        assert understand(said) == []
    assert len(read) == 1


COMMANDS = [
    "set a timer for ten minutes",
    "cancel the timer",
    "cancel the ten minute timer",
    "turn the volume up",
    "turn it down",
    "set the volume to fifty percent",
    "mute the volume",
    "tell me a story",
    "tell me a joke",
    "what time is it",
    "what day is it",
    "what can you do",
    "repeat that",
    "stop",
    "be quiet",
    "goodbye",
    "hello",
]
AROUND = [
    "don't {}",
    "do not {}",
    "please don't {}",
    "never {}",
    "i never said {}",
    "i did not say {}",
    "you did not {}",
    "why did you {}",
    "how do i {}",
    "when will you {}",
    "what does {} mean",
    "he said {}",
    "if i say {}",
    "i would not {}",
    "nobody wants to {}",
    "instead of {}",
    "what happens when i say {}",
    "{} was not what i said",
    "{} is not what i want",
    "forget that i said {}",
]


@pytest.mark.parametrize(("around", "command"), [*itertools.product(AROUND, COMMANDS)])
def test_words_that_reverse_the_meaning_cancel_the_command(around: str, command: str) -> None:
    assert understand(command)
    assert understand(around.format(command)) == []


@pytest.mark.parametrize(
    ("text", "intents"),
    [
        ("Up and hey jarvis what day is it today", [Wish.DATE]),
        ("the lamp hey jarvis set a timer for ten minutes", [TimerWish(600)]),
        ("don't hey jarvis set a timer for ten minutes", []),
        ("I said hey jarvis set a timer for ten minutes", []),
        ("never say alexa cancel the timer", []),
        ("up and hey jarvis the lamp set a timer for ten minutes or so they say", []),
    ],
)
def test_remains_of_an_interrupted_answer_before_the_wake_word_are_ignored(text: str, intents: list[Intent]) -> None:
    assert understand(text) == intents


def test_a_command_before_the_wake_word_counts_too() -> None:
    assert understand("stop hey jarvis what time is it") == understand("stop what time is it")
