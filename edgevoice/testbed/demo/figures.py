"""Figures of a conversation on the stage, from the box's notices, the card's tapes and the service's record."""

import wave
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgevoice.core.facts import LinkOpened, PlaybackCut, PlaybackStarted, WakeWordHeard
from edgevoice.core.notices import AudioReceived, UplinkSent
from edgevoice.core.orders import CutPlayback, OpenLink
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.testbed.stage.compare import Samples, compare_uplink, find_on_tape
from edgevoice.testbed.stage.events import StepMissed
from edgevoice.testbed.stage.stage import Stage


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; ``*_ms`` in milliseconds, ``samples_*`` in samples at the wire's rate.

    ``detection_ms``: from the frame that held the wake word's end to the decision. ``light_ms``: from the decision to
    the light. ``session_ms``: from dialling to the open session. ``first_append_ms``: from the open session to the
    first audio sent. ``first_sound_ms``: from the first audio received to the DAC. ``cut_ms``: from the decision to
    silence at the DAC. ``heard_error_ms``: what was reported to the service, compared with the tape. ``overflows``: how
    often the machine stalled for so long that the microphone's buffer overflowed.
    """

    detection_ms: float
    light_ms: float
    session_ms: float
    first_append_ms: float
    first_sound_ms: float
    cut_ms: float
    heard_ms: int
    heard_error_ms: float
    late_samples: int
    samples_lost: int
    samples_doubled: int
    samples_compared: int
    overflows: int


def figures_of(stage: Stage, decided_s: float, overflows: int) -> Figures:
    """Measure the conversation that has just ended; the microphone had these ``overflows`` meanwhile.

    Raises ``StepMissed`` when a part of it is missing, ``NothingInCommon`` when the recordings do not match.
    """
    seen = stage.seen
    _, woken = seen.first(WakeWordHeard, "the wake word's detection")
    dialled_s, _ = seen.first(OpenLink, "dialling")
    linked_s, _ = seen.first(LinkOpened, "the opening of the session")
    sent_s, _ = seen.first(UplinkSent, "the first audio sent")
    sounds_s = first_sounds(stage)
    if not sounds_s:
        raise StepMissed("the sound of an answer did not happen")
    heard_ms, heard_error_ms, late = _cut_against_tape(stage)
    uplink = compare_uplink(stage.card.near_end.samples(), read_wav(stage.records / "uplink-1.wav"))
    return Figures(
        detection_ms=_ms(decided_s - stage.card.near_end.time_of(woken.at_sample)),
        light_ms=_ms(light_after(stage, decided_s) - decided_s),
        session_ms=_ms(linked_s - dialled_s),
        first_append_ms=_ms(sent_s - linked_s),
        first_sound_ms=_ms(sounds_s[0]),
        cut_ms=_ms(_cut_to_silence_s(stage)),
        heard_ms=heard_ms,
        heard_error_ms=heard_error_ms,
        late_samples=late,
        samples_lost=uplink.lost + stage.parts.uplink.lost,
        samples_doubled=uplink.doubled,
        samples_compared=uplink.compared,
        overflows=overflows,
    )


def light_after(stage: Stage, moment_s: float) -> float:
    """Return when the first LED went on after a moment, in monotonic seconds; ``StepMissed`` if none did."""
    for change in stage.pins.changes():
        if change.is_high and change.at_s >= moment_s:
            return change.at_s
    raise StepMissed("a light after the wake word did not happen")


def first_sounds(stage: Stage) -> list[float]:
    """Return, for each stretch of playback, the seconds from the arrival of its first audio to the DAC."""
    tape = stage.card.far_end
    waits = []
    notes = stage.seen.notes
    for index, note in enumerate(notes):
        if isinstance(note.notice, PlaybackStarted):
            # The delta that began the burst was recorded just before.
            before = (earlier for earlier in reversed(notes[:index]) if isinstance(earlier.notice, AudioReceived))
            if (arrived := next(before, None)) is None:
                continue  # a sound of the box's own
            pcm = np.frombuffer(arrived.notice.pcm[: len(arrived.notice.pcm) & ~1], "<i2")  # type: ignore[union-attr]
            quiet_s = (int(np.flatnonzero(pcm)[0]) if pcm.any() else len(pcm)) / FAR_END_HZ
            first_s = tape.first_sound_after(arrived.at_s)
            if first_s is not None:
                waits.append(first_s - quiet_s - arrived.at_s)
    return waits


def _cut_to_silence_s(stage: Stage) -> float:
    cut_s, _ = stage.seen.first(CutPlayback, "the cut")
    last_s = stage.card.far_end.last_sound_after(cut_s, gap_s=0.05)
    return 0.0 if last_s is None else last_s - cut_s


def _cut_against_tape(stage: Stage) -> tuple[int, float, int]:
    """Return what was reported as heard of the cut item, the error against the tape, and late samples."""
    _, cut = stage.seen.first(PlaybackCut, "the cut's report")
    item = next((item for item in cut.items if item.heard_ms > 0), None)
    if item is None:
        raise StepMissed("sound of the answer before it was cut did not happen")
    pieces: dict[str, bytes] = defaultdict(bytes)
    started_s = 0.0
    for at_s, piece in stage.seen.all_of(AudioReceived):
        if piece.item_id == item.item_id and not pieces[piece.item_id]:
            started_s = at_s
        pieces[piece.item_id] += piece.pcm
    pcm = pieces[item.item_id]
    received: Samples = np.frombuffer(pcm[: len(pcm) & ~1], "<i2")
    tape = stage.card.far_end
    found = find_on_tape(tape.samples(), received, max(0, tape.frame_at(started_s)))
    return item.heard_ms, round(found.error_ms(item.heard_ms), 3), found.late


def read_wav(path: Path) -> Samples:
    """Return the samples of a mono WAV of 16 bits."""
    with wave.open(str(path)) as reader:
        return np.frombuffer(reader.readframes(reader.getnframes()), "<i2")


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def read_stereo(path: Path) -> tuple[Samples, Samples, int]:
    """Return left, right and the rate in hertz of a stereo WAV of 16 bits."""
    with wave.open(str(path)) as reader:
        both = np.frombuffer(reader.readframes(reader.getnframes()), "<i2").reshape(-1, 2)
        return both[:, 0], both[:, 1], reader.getframerate()
