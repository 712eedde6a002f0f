"""Whether the user whispers: a table of how people sound."""

import pytest

from edgevoice.core.sound.whisper import SpeechSound, is_whisper


def sound(
    speech_s: float = 1.2,
    above_room_db: float = 15.0,
    voiced_share: float = 0.02,
    low_share: float = 0.03,
    level_db: float = 60.0,
) -> SpeechSound:
    return SpeechSound(speech_s, level_db, above_room_db, voiced_share, low_share)


@pytest.mark.parametrize(
    ("who", "heard", "voice_db", "is_whispered"),
    [
        ("somebody who whispers", sound(), None, True),
        ("the same, who spoke before", sound(), 72.0, True),
        ("a whisper close to the box, in a silent room", sound(above_room_db=30.0), None, True),
        ("a voice", sound(voiced_share=0.6, low_share=0.8), None, False),
        ("a talker far away", sound(above_room_db=10.0, voiced_share=0.5, low_share=0.5), None, False),
        ("a voice through a telephone's band", sound(voiced_share=0.5, low_share=0.1), None, False),
        ("a hoarse voice", sound(voiced_share=0.08, low_share=0.4), None, False),
        ("a voice in hiss that hides its pitch", sound(above_room_db=6.0, voiced_share=0.05), None, False),
        ("a single word", sound(speech_s=0.3), None, False),
        ("who hisses as loudly as they speak", sound(), 61.0, False),
        ("at the limits", sound(0.4, 9.0, 0.1, 0.15), 63.0, True),
        ("nobody", SpeechSound(0.0, 0.0, 0.0, 0.0, 0.0), None, False),
    ],
)
def test_it_is_a_whisper(who: str, heard: SpeechSound, voice_db: float | None, *, is_whispered: bool) -> None:
    assert is_whisper(heard, voice_db) is is_whispered, who


def test_only_enough_speech_above_the_room_can_be_judged() -> None:
    assert sound().is_clear
    assert not sound(speech_s=0.3).is_clear
    assert not sound(above_room_db=5.0).is_clear
