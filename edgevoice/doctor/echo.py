"""The echo self-test: plays a signal through the box's own streams, judges what comes back, keeps the result."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from edgevoice.audio.far_end_mixer import SpeakerFact
from edgevoice.audio.microphone import Microphone
from edgevoice.audio.speaker import Speaker
from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.doctor.streams import (
    PlayedAudio,
    SoundNotMeasured,
    gaps,
    nobody_hears,
    nobody_waits,
    open_streams,
    until,
)
from edgevoice.echo import selftest
from edgevoice.echo.canceller import EchoCanceller, Samples
from edgevoice.echo.linear import LinearCanceller
from edgevoice.echo.record import EchoRecord, write_record
from edgevoice.echo.selftest import Measured, Recording
from edgevoice.echo.suppressor import Suppressor
from edgevoice.echo.tiers import Tier
from edgevoice.echo.verdict import Tried, Verdict, judge, problem_of
from edgevoice.errors import EchoUnavailable, EdgevoiceError
from edgevoice.settings.schema import Settings
from edgevoice.store.folders import state_folder

_ITEM = "selftest"
_SETTLE_LIMIT_S = 15.0
_PLAY_LIMIT_S = selftest.SIGNAL_S + 10.0


class EchoNotKept(EdgevoiceError, OSError):
    """The measurement could not be saved, so the daemon will not know it."""

    code = "echo-not-kept"
    remedy = "Run it as the user that the box runs as, or with sudo."


@dataclass(slots=True)
class _Timed:
    """A canceller that counts the CPU time it uses."""

    canceller: EchoCanceller
    cpu_s: float = 0.0

    def process(self, near: Samples, far: Samples) -> Samples:
        began = time.thread_time()
        cleaned = self.canceller.process(near, far)
        self.cpu_s += time.thread_time() - began
        return cleaned

    def reset(self) -> None:
        self.canceller.reset()


async def record(settings: Settings, volume_percent: int) -> Recording:
    """Play the signal through the daemon's own streams, and return what was recorded."""
    loop = asyncio.get_running_loop()
    # Computed before the streams run: the work would delay their callbacks.
    signal = selftest.signal()
    tape, over = PlayedAudio(), asyncio.Event()

    def tell(_fact: SpeakerFact) -> None:
        loop.call_soon_threadsafe(over.set)

    microphone = Microphone(nobody_hears, nobody_waits)
    speaker = Speaker(tell, prefill_ms=20, volume_percent=volume_percent, earcon_percent=0, reference=tape)
    async with open_streams(settings, microphone, speaker) as lost:
        await until(lambda: microphone.clock.is_settled and speaker.clock.is_settled, _SETTLE_LIMIT_S, lost)
        begin = microphone.position
        await until(lambda: microphone.position - begin > (selftest.QUIET_S + 0.5) * NEAR_END_HZ, _SETTLE_LIMIT_S, lost)
        before = gaps(microphone, speaker)
        speaker.play(_ITEM, 0, signal.tobytes())
        speaker.finish()
        await until(over.is_set, _PLAY_LIMIT_S, lost)
        end = microphone.position + round((selftest.TAIL_S + 0.5) * NEAR_END_HZ)
        await until(lambda: microphone.position >= end, _SETTLE_LIMIT_S, lost)
        near_line, far_line = microphone.clock.line, speaker.clock.line
        if near_line is None or far_line is None or gaps(microphone, speaker) != before:
            raise SoundNotMeasured("the sound was played or heard with gaps")
        first, near = microphone.read(begin)
    far = np.concatenate(tape.pieces)
    played_at = int(np.flatnonzero(far)[0]) - int(np.flatnonzero(signal)[0]) if far.any() else 0
    ahead_s = far_line.time_at(played_at) - near_line.time_at(first)
    size = round(selftest.SIGNAL_S * FAR_END_HZ)
    return Recording(np.frombuffer(near, "<i2"), far[played_at : played_at + size], ahead_s)


def examine(recording: Recording, say: Callable[[str], None]) -> tuple[Measured, Tried, Tried, Verdict]:
    """Return what was measured, what each canceller removes, and which tier follows; ``say`` reports progress."""
    measured = selftest.measure(recording)
    nothing = Tried(problem="there is nothing to cancel")
    if problem_of(measured) or judge(measured, nothing, nothing).tier is Tier.HARDWARE:
        return measured, nothing, nothing, judge(measured, nothing, nothing)
    say("Thank you. Now I am trying the cancellers on what I heard.")
    linear = _tried(LinearCanceller, recording, measured)
    suppressor = _tried(Suppressor, recording, measured)
    return measured, linear, suppressor, judge(measured, linear, suppressor)


def _tried(make: Callable[[], EchoCanceller], recording: Recording, measured: Measured) -> Tried:
    try:
        timed = _Timed(make())
    except EchoUnavailable as error:
        return Tried(problem=error.line())
    trial = selftest.try_canceller(timed, recording, measured)
    # It went over the recording twice.
    return Tried(trial, 1000 * timed.cpu_s / (2 * len(recording.near) / NEAR_END_HZ))


def record_of(settings: Settings, measured: Measured, linear: Tried, tier: Tier) -> EchoRecord:
    """Return what the daemon needs from a measurement, with the current date."""
    return EchoRecord(
        tier=tier.value,
        microphone=settings.microphone.device,
        speaker=settings.speaker.device,
        delay_ms=round(measured.delay_ms, 2),
        return_loss_db=round(measured.return_loss_db, 1),
        cancelled_db=round(linear.trial.cancelled_db, 1) if linear.trial is not None else None,
        drift_ppm=round(measured.drift_ppm, 2) if measured.drift_ppm is not None else None,
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def keep(record: EchoRecord) -> Path:
    """Write the record where the daemon reads it, and return its path; raises ``EchoNotKept``."""
    folder = state_folder(os.environ)
    try:
        return write_record(folder, record)
    except OSError as error:
        raise EchoNotKept(f"the result cannot be saved in {folder}: {error.strerror or error}") from error
