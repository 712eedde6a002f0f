import asyncio

import numpy as np
import pytest
import soxr

from edgevoice.local.mind import phrases
from edgevoice.local.mind.intents import is_wake_word_only, understand
from edgevoice.local.refusals import RequestRefused
from edgevoice.local.session import SemanticVad, ServerVad
from edgevoice.local.speech.listener import Heard, Hypothesis, TurnHeard, TurnListener, UserSpeechStarted
from edgevoice.local.speech.recogniser import PhonemeRecogniser, Recogniser
from edgevoice.local.speech.voice import HibariVoice, sentences
from tests.local.client import question, silence

pytestmark = pytest.mark.long

COMMANDS = [
    "What time is it?",
    "What's the date today?",
    "Set the volume to fifty percent.",
    "Set the volume to twenty five percent.",
    "Volume up.",
    "Turn it down.",
    "Set a timer for ten minutes.",
    "Set a timer for forty five seconds.",
    "Set a timer for one hour.",
    "Cancel the timer.",
    "Tell me a story.",
    "Tell me a joke.",
    "What can you do?",
    "Say that again.",
    "Never mind.",
    "Thank you.",
    "Goodbye.",
    "What time is it, and set the volume to fifty percent?",
]


def hear(listener: TurnListener, pcm: bytes, *, rate_hz: int = 24_000, chunk_ms: int = 100) -> list[Heard]:
    async def feed() -> list[Heard]:
        size = rate_hz * chunk_ms // 1000 * 2
        chunks = (pcm[start : start + size] for start in range(0, len(pcm), size))
        return [heard for chunk in chunks async for heard in listener.hear(chunk, rate_hz)]

    return asyncio.run(feed())


def listener_with(recogniser: Recogniser, detection: ServerVad | SemanticVad | None) -> TurnListener:
    listener = TurnListener(recogniser)
    listener.configure(detection)
    return listener


def turns(heard: list[Heard]) -> list[TurnHeard]:
    return [event for event in heard if isinstance(event, TurnHeard)]


class Deaf:
    def words(self, speech: bytes) -> str:
        return ""


@pytest.mark.parametrize("command", COMMANDS)
def test_the_voice_is_understood_after_a_wake_word_and_a_short_pause(
    command: str, voice: HibariVoice, recogniser: PhonemeRecogniser
) -> None:
    pcm = question(voice, "Hey Jarvis.", 0.6, command)
    heard = hear(listener_with(recogniser, SemanticVad(eagerness="low")), pcm)

    assert [understand(turn.text) for turn in turns(heard)] == [understand(command)]
    assert any(isinstance(event, Hypothesis) for event in heard)


# At 8 kHz "fifty" sounds like "eighty": the difference lies above that band.
@pytest.mark.parametrize(
    ("rate_hz", "command"), [(8_000, "What time is it?"), (16_000, "Set the volume to fifty percent.")]
)
def test_other_sample_rates_are_understood_too(
    rate_hz: int, command: str, voice: HibariVoice, recogniser: PhonemeRecogniser
) -> None:
    pcm = np.frombuffer(question(voice, "Alexa.", 0.3, command), "<i2")
    resampled = soxr.resample(pcm, 24_000, rate_hz).astype("<i2").tobytes()

    heard = hear(listener_with(recogniser, SemanticVad()), resampled, rate_hz=rate_hz)

    assert [understand(turn.text) for turn in turns(heard)] == [understand(command)]


@pytest.mark.parametrize(("breath_s", "eagerness"), [(0.2, "high"), (0.5, "high"), (1.0, "medium"), (1.2, "low")])
def test_the_wake_word_alone_does_not_end_the_turn(
    breath_s: float, eagerness: str, voice: HibariVoice, recogniser: PhonemeRecogniser
) -> None:
    detection = SemanticVad(eagerness=eagerness)  # type: ignore[arg-type]
    heard = hear(listener_with(recogniser, detection), question(voice, "Hey Jarvis.", breath_s, "Volume up."))

    assert [understand(turn.text) for turn in turns(heard)] == [understand("volume up")]


def test_a_turn_of_only_the_wake_word_ends_after_the_longer_wait(
    voice: HibariVoice, recogniser: PhonemeRecogniser
) -> None:
    pcm = silence(0.5) + voice.say("Hey Jarvis.", 1.0) + silence(3.0)
    heard = hear(listener_with(recogniser, SemanticVad(eagerness="high")), pcm)

    (turn,) = turns(heard)
    assert is_wake_word_only(turn.text)
    assert 1000 <= turn.end_ms - 500 - len(voice.say("Hey Jarvis.", 1.0)) // 48 + 220 < 1500


@pytest.mark.parametrize(
    "foreign", ["Who wrote a tale of two cities?", "Is it going to rain tomorrow?", "Order a pizza with mushrooms."]
)
def test_an_unknown_sentence_is_not_a_command(foreign: str, voice: HibariVoice, recogniser: PhonemeRecogniser) -> None:
    heard = hear(listener_with(recogniser, ServerVad()), question(voice, foreign))

    assert [understand(turn.text) for turn in turns(heard)] == [[]]


def test_during_an_answer_a_noise_without_words_ends_after_300_ms(voice: HibariVoice) -> None:
    async def feed(*, is_over_answer: bool) -> list[Heard]:
        listener = listener_with(Deaf(), SemanticVad(eagerness="low"))
        heard: list[Heard] = []
        async for event in listener.hear(question(voice, "Ahem."), 24_000):
            heard.append(event)
            if isinstance(event, UserSpeechStarted):
                listener.is_over_answer = is_over_answer
        return heard

    (over,), (alone,) = (turns(asyncio.run(feed(is_over_answer=is_over))) for is_over in (True, False))

    assert over.text == alone.text == ""
    assert alone.end_ms - over.end_ms == 1700, "a breath before the words of a question may take longer"


def test_words_are_reported_at_the_first_pause_while_the_turn_continues(voice: HibariVoice) -> None:
    class Waits(Deaf):
        def words(self, speech: bytes) -> str:
            return "wait a moment"

    heard = hear(listener_with(Waits(), SemanticVad(eagerness="low")), question(voice, "Wait."))

    assert Hypothesis("wait a moment") in heard


def test_speech_is_noticed_within_100_ms_and_placed_with_its_padding(voice: HibariVoice) -> None:
    listener = listener_with(Deaf(), ServerVad(prefix_padding_ms=200))
    lead = silence(1.0)
    # 40 ms of quiet are left in front of the voice's own onset.
    pcm = lead + voice.say("Goodbye.", 1.0)

    noticed_at_ms = 0
    for start in range(0, len(pcm), 960):
        if any(isinstance(event, UserSpeechStarted) for event in hear(listener, pcm[start : start + 960], chunk_ms=20)):
            noticed_at_ms = start // 48
            break
    started = hear(listener_with(Deaf(), ServerVad(prefix_padding_ms=200)), pcm)[0]

    assert 1000 < noticed_at_ms <= 1000 + 40 + 140
    assert isinstance(started, UserSpeechStarted)
    assert 800 <= started.start_ms <= 900


def test_server_vad_ends_after_its_silence_of_audio_time(voice: HibariVoice) -> None:
    for silence_ms in (300, 900):
        detection = ServerVad(silence_duration_ms=silence_ms)
        spoken_ms = len(voice.say("Hello.", 1.0)) // 48
        (turn,) = turns(hear(listener_with(Deaf(), detection), silence(0.5) + voice.say("Hello.", 1.0) + silence(2.0)))

        # The voice leaves up to 220 ms of its own quiet behind the last sound.
        assert 500 + spoken_ms - 260 + silence_ms <= turn.end_ms <= 500 + spoken_ms + 150 + silence_ms


def test_no_turn_ends_while_no_audio_arrives(voice: HibariVoice) -> None:
    listener = listener_with(Deaf(), ServerVad())

    assert turns(hear(listener, silence(0.5) + voice.say("Hello.", 1.0))) == []
    assert listener.is_speaking


def test_audio_in_a_burst_or_a_trickle_gives_the_same_result(voice: HibariVoice, recogniser: PhonemeRecogniser) -> None:
    pcm = question(voice, "What time is it?")

    burst = hear(listener_with(recogniser, SemanticVad()), pcm, chunk_ms=60_000)
    trickle = hear(listener_with(recogniser, SemanticVad()), pcm, chunk_ms=17)

    assert turns(burst) == turns(trickle)


def test_two_turns_in_one_burst_are_two_turns(voice: HibariVoice, recogniser: PhonemeRecogniser) -> None:
    pcm = question(voice, "Volume up.") + question(voice, "Thank you.")
    heard = turns(hear(listener_with(recogniser, SemanticVad()), pcm, chunk_ms=60_000))

    assert [understand(turn.text) for turn in heard] == [understand("volume up"), understand("thank you")]


def test_a_manual_commit_covers_the_audio_since_the_last_one(voice: HibariVoice, recogniser: PhonemeRecogniser) -> None:
    listener = listener_with(recogniser, None)

    assert hear(listener, question(voice, "Volume up.")) == []
    turn = asyncio.run(listener.commit())

    assert understand(turn.text) == understand("volume up")
    with pytest.raises(RequestRefused, match="buffer too small"):
        asyncio.run(listener.commit())


def test_memory_is_bounded_without_turn_detection() -> None:
    listener = listener_with(Deaf(), None)
    hear(listener, silence(121.0), chunk_ms=1000)

    with pytest.raises(RequestRefused, match="without a commit"):
        hear(listener, silence(0.1))


def test_an_idle_hour_is_not_kept_in_memory() -> None:
    listener = listener_with(Deaf(), ServerVad())
    hear(listener, silence(60.0), chunk_ms=500)

    assert listener._uplink.duration_ms <= 10_100
    assert listener._uplink.end_ms == pytest.approx(60_000, abs=40)


def test_an_odd_byte_waits_for_its_other_half(voice: HibariVoice, recogniser: PhonemeRecogniser) -> None:
    listener = listener_with(recogniser, SemanticVad())
    pcm = question(voice, "What time is it?")
    heard: list[Heard] = []
    for start in range(0, len(pcm), 4801):
        heard += hear(listener, pcm[start : start + 4801], chunk_ms=1000)

    assert [understand(turn.text) for turn in turns(heard)] == [understand("what time is it")]


def test_stories_last_between_45_and_60_seconds(voice: HibariVoice) -> None:
    for story in phrases.STORIES:
        assert 45 <= sum(len(voice.say(sentence, 1.0)) for sentence in sentences(story)) / 48_000 <= 60
