"""The log of a box that has listened for some days, as the commands read it."""

from pathlib import Path

import msgspec

from edgevoice.settings.wakeword import WakewordSettings
from edgevoice.wakeword.tuning.near_misses_log import ConversationOutcome, Detection, Listening, NearMiss, NearMissLog
from edgevoice.wakeword.words import wake_words
from tests.waiting import until


def write_log(folder: Path, days: int, calls: int, *, again: int = 0, false: int = 0, false_peak: float = 0.6) -> None:
    """Write a number of calls, of which ``again`` had to be repeated, and a number of false wakes with a peak."""
    log = NearMissLog(folder)
    thread = log.begin()
    scale = wake_words(WakewordSettings())[0].scale

    def put(entry: Listening) -> None:
        log.put(entry)
        until(lambda: log._waiting.qsize() < 10)

    def detection(at: str, peak: float, held: float) -> Detection:
        made = Detection(at=at, word="hey_jarvis", peak=peak, held=held, threshold=0.5, floor=0.25)
        return msgspec.structs.replace(made, models=scale)

    for number in range(calls):
        at = f"2026-05-{1 + number % 28:02}T10:{number // 28:02}"
        if number < again:
            near = NearMiss(at=f"{at}:00+00:00", word="hey_jarvis", peak=0.4, held=0.38, threshold=0.5, floor=0.25)
            put(msgspec.structs.replace(near, models=scale))
        put(detection(f"{at}:04+00:00", 0.95, 0.9))
        put(ConversationOutcome(at=f"{at}:30+00:00", word="hey_jarvis", turns=1, answers=1))
    for number in range(false):
        at = f"2026-05-{1 + number % 28:02}T12:{number // 28:02}"
        put(detection(f"{at}:04+00:00", false_peak, false_peak))
        put(ConversationOutcome(at=f"{at}:30+00:00", word="hey_jarvis", turns=0))
    put(Listening(at="2026-05-29T00:00:00+00:00", listened_s=days * 86_400.0))
    log.end()
    until(lambda: not thread.is_alive())
