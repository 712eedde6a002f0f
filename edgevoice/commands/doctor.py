"""`edgevoice doctor --echo`: plays a test sound, listens, and finds out what may interrupt the box in this room."""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from edgevoice import journal
from edgevoice.audio.devices import find, sound_library
from edgevoice.audio.microphone import RATE_HZ, Microphone
from edgevoice.audio.speaker import RATE_HZ as FAR_HZ
from edgevoice.audio.speaker import Speaker
from edgevoice.audio.supervisor import Supervisor
from edgevoice.core.messages import Device, DeviceLost, Event, PlaybackCut, PlaybackDrained
from edgevoice.echo import selftest
from edgevoice.echo.canceller import EchoCanceller, Samples
from edgevoice.echo.linear import LinearCanceller
from edgevoice.echo.record import EchoRecord, write_record
from edgevoice.echo.selftest import Measured, Recording
from edgevoice.echo.suppressor import Suppressor
from edgevoice.echo.tiers import Tier
from edgevoice.echo.verdict import Tried, Verdict, judge, problem_of
from edgevoice.errors import DeviceBusy, EchoUnavailable, EdgevoiceError
from edgevoice.settings import Settings
from edgevoice.settings_file import load
from edgevoice.system.announced import state_folder

_ITEM = "selftest"
_SETTLE_LIMIT_S = 15.0
_PLAY_LIMIT_S = selftest.SIGNAL_S + 10.0
_STEP_S = 0.1

_ALLOWS = {
    Tier.NONE: "the talk button interrupts, and the wake word if you are louder than the answer",
    Tier.LINEAR: "the wake word and the talk button interrupt",
    Tier.SUPPRESSOR: "whatever you say interrupts",
    Tier.HARDWARE: "whatever you say interrupts",
}


class EchoNotMeasured(EdgevoiceError):
    """The self-test's sound was played or heard with gaps."""

    code = "echo-not-measured"
    remedy = "Run it again on a machine that is less busy."


class EchoNotKept(EdgevoiceError, OSError):
    """What was measured could not be written down, so the daemon will not know it."""

    code = "echo-not-kept"
    remedy = "Run it as the user whom the box runs as, or with sudo."


@dataclass(slots=True)
class _Timed:
    """A canceller that keeps count of what it costs."""

    canceller: EchoCanceller
    cpu_s: float = 0.0

    def process(self, near: Samples, far: Samples) -> Samples:
        began = time.thread_time()
        cleaned = self.canceller.process(near, far)
        self.cpu_s += time.thread_time() - began
        return cleaned

    def reset(self) -> None:
        self.canceller.reset()


@dataclass(slots=True)
class _Tape:
    """What was handed to the speaker, from the stream's first sample on."""

    pieces: list[npt.NDArray[np.int16]] = field(default_factory=list)

    def played(self, samples: npt.NDArray[np.int16] | None, frames: int) -> None:
        """Take a period, in PortAudio's thread."""
        self.pieces.append(np.zeros(frames, np.int16) if samples is None else samples.copy())


def examine_echo(path: Path | None, *, volume_percent: int | None, as_json: bool) -> int:
    """Measure, judge, and keep the result for the daemon; return 0 when there is one."""
    loaded = load(path, os.environ)
    settings = loaded.settings
    # What a device is lost for is told by the error that follows, in one line.
    journal.start("critical")
    volume_percent = settings.speaker.volume_percent if volume_percent is None else volume_percent
    say = _sayer(sys.stderr if as_json else sys.stdout)
    _find_devices(settings)
    say(
        f"Please be quiet for {selftest.QUIET_S + selftest.SIGNAL_S + 3:.0f} seconds. I listen to the room, then play "
        f"whistles and babble at {volume_percent} % of full volume."
    )
    try:
        recording = asyncio.run(_record(settings, volume_percent))
    except EchoNotMeasured:
        say("The sound had gaps, as on a machine that is busy. Once more.")
        recording = asyncio.run(_record(settings, volume_percent))
    measured, linear, suppressor, verdict = _examine(recording, say)
    if as_json:
        print(json.dumps(_data(measured, linear, suppressor, verdict, volume_percent)))
    else:
        _print_table(measured, linear, suppressor)
        _print_verdict(settings, verdict)
    if verdict.tier is None:
        return 1
    kept = _keep(_record_of(settings, measured, linear, verdict.tier))
    if not as_json:
        say(f"Kept in {kept}.")
    return 0


def _sayer(stream: object) -> Callable[[str], None]:
    console = Console(file=stream, soft_wrap=True)  # type: ignore[arg-type]  # a text stream
    return lambda text: console.print(text, markup=False, highlight=False)


# --- recording -------------------------------------------------------------------------------------------------------


def _find_devices(settings: Settings) -> None:
    """Raise ``DeviceMissing`` for a name that no card has."""
    with sound_library() as library:
        find(library, Device.MICROPHONE, settings.microphone.device)
        find(library, Device.SPEAKER, settings.speaker.device)


async def _record(settings: Settings, volume_percent: int) -> Recording:
    """Play the signal through the daemon's own streams, and return what came of it."""
    loop = asyncio.get_running_loop()
    # Made before the streams run: the work would hold up their callbacks.
    signal = selftest.signal()
    tape, over = _Tape(), asyncio.Event()

    def tell(_fact: PlaybackCut | PlaybackDrained) -> None:
        loop.call_soon_threadsafe(over.set)

    microphone = Microphone(_nobody_hears, _nobody_waits)
    speaker = Speaker(tell, prefill_ms=20, volume_percent=volume_percent, earcon_percent=0, played=tape.played)
    async with _streams(settings, microphone, speaker) as lost:
        await _until(lambda: microphone.clock.is_settled and speaker.clock.is_settled, _SETTLE_LIMIT_S, lost)
        begin = microphone.position
        await _until(lambda: microphone.position - begin > (selftest.QUIET_S + 0.5) * RATE_HZ, _SETTLE_LIMIT_S, lost)
        gaps = _gaps(microphone, speaker)
        speaker.play(_ITEM, 0, signal.tobytes())
        speaker.finish()
        await _until(over.is_set, _PLAY_LIMIT_S, lost)
        end = microphone.position + round((selftest.TAIL_S + 0.5) * RATE_HZ)
        await _until(lambda: microphone.position >= end, _SETTLE_LIMIT_S, lost)
        near_line, far_line = microphone.clock.line, speaker.clock.line
        if near_line is None or far_line is None or _gaps(microphone, speaker) != gaps:
            raise EchoNotMeasured("the sound was played or heard with gaps")
        first, near = microphone.read(begin)
    far = np.concatenate(tape.pieces)
    played_at = int(np.flatnonzero(far)[0]) - int(np.flatnonzero(signal)[0]) if far.any() else 0
    ahead_s = far_line.time_at(played_at) - near_line.time_at(first)
    size = round(selftest.SIGNAL_S * FAR_HZ)
    return Recording(np.frombuffer(near, "<i2"), far[played_at : played_at + size], ahead_s)


@asynccontextmanager
async def _streams(settings: Settings, microphone: Microphone, speaker: Speaker) -> AsyncIterator[list[Device]]:
    """Keep both streams open; gives the list of those that are lost."""
    lost: list[Device] = []

    def report(event: Event) -> None:
        if isinstance(event, DeviceLost):
            lost.append(event.device)

    names = {Device.MICROPHONE: settings.microphone.device, Device.SPEAKER: settings.speaker.device}
    running = asyncio.create_task(Supervisor(microphone, speaker, names, report).run())
    try:
        yield lost
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def _until(is_so: Callable[[], bool], limit_s: float, lost: list[Device]) -> None:
    for _ in range(round(limit_s / _STEP_S)):
        if lost:
            raise DeviceBusy(
                f"the {lost[0]} does not open, or was lost",
                remedy="Does the box itself run? `sudo systemctl stop edgevoice`, then try again; "
                "`fuser -v /dev/snd/*` names whoever has the card.",
            )
        if is_so():
            return
        await asyncio.sleep(_STEP_S)
    raise EchoNotMeasured("the sound card does not keep time")


def _gaps(microphone: Microphone, speaker: Speaker) -> int:
    return microphone.clock.jumps + speaker.clock.jumps + microphone.overflows + speaker.underflows


def _nobody_hears(_frame: bytes, _end: int) -> None:
    """Stand in for the wake word."""


def _nobody_waits() -> None:
    """Stand in for the uplink: the recording is fetched at its end."""


# --- judging ---------------------------------------------------------------------------------------------------------


def _examine(recording: Recording, say: Callable[[str], None]) -> tuple[Measured, Tried, Tried, Verdict]:
    measured = selftest.measure(recording)
    nothing = Tried(problem="there is nothing to cancel")
    if problem_of(measured) or judge(measured, nothing, nothing).tier is Tier.HARDWARE:
        return measured, nothing, nothing, judge(measured, nothing, nothing)
    say("Thank you. I try the cancellers on what I heard.")
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
    return Tried(trial, 1000 * timed.cpu_s / (2 * len(recording.near) / RATE_HZ))


def _record_of(settings: Settings, measured: Measured, linear: Tried, tier: Tier) -> EchoRecord:
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


def _keep(record: EchoRecord) -> Path:
    folder = state_folder(os.environ)
    try:
        return write_record(folder, record)
    except OSError as error:
        raise EchoNotKept(f"the result cannot be kept in {folder}: {error.strerror or error}") from error


# --- telling ---------------------------------------------------------------------------------------------------------


def _data(
    measured: Measured, linear: Tried, suppressor: Tried, verdict: Verdict, volume_percent: int
) -> dict[str, object]:
    figures = {name: round(value, 2) if isinstance(value, float) else value for name, value in asdict(measured).items()}
    return {
        "tier": verdict.tier,
        "why": verdict.why,
        "volume_percent": volume_percent,
        **figures,
        "linear": _tried_data(linear),
        "suppressor": _tried_data(suppressor),
    }


def _tried_data(tried: Tried) -> dict[str, object]:
    if tried.trial is None:
        return {"problem": tried.problem}
    figures = {name: round(value, 1) for name, value in asdict(tried.trial).items()}
    return {**figures, "cpu_ms_per_s": round(tried.cpu_ms_per_s, 1)}


def _print_table(measured: Measured, linear: Tried, suppressor: Tried) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("the room's noise", f"{measured.noise_dbfs:.0f} dBFS")
    if measured.is_heard:
        table.add_row("the speaker is heard above it by", f"{measured.echo_db:.0f} dB")
        table.add_row("fainter than it is played by", f"{measured.return_loss_db:.0f} dB")
        table.add_row("later than the clocks tell by", f"{measured.delay_ms:.1f} ms")
        table.add_row("the loudspeaker distorts by", f"{measured.distortion_percent:.1f} %")
    if measured.drift_ppm is not None and measured.drift_error_ppm is not None:
        table.add_row(
            "the speaker's clock is faster by", f"{measured.drift_ppm:.1f} ppm ± {measured.drift_error_ppm:.1f}"
        )
    for name, tried in (("the filter takes out", linear), ("the suppressor takes out", suppressor)):
        if tried.trial is not None:
            cost = f"{tried.cpu_ms_per_s:.1f} ms of CPU per second"
            table.add_row(name, f"{tried.trial.cancelled_db:.0f} dB for {cost}")
    console = Console()
    console.print()
    console.print(table)


def _print_verdict(settings: Settings, verdict: Verdict) -> None:
    say = _sayer(sys.stdout)
    if verdict.tier is None:
        say(f"\nNot measured: {verdict.why}.")
        return
    say(f"\nEcho tier: {verdict.tier}. {verdict.why[:1].upper()}{verdict.why[1:]}. So {_ALLOWS[verdict.tier]}.")
    if settings.echo.tier not in {"auto", verdict.tier}:
        say(
            f'The settings say echo.tier = "{settings.echo.tier}", and that goes first; "auto" takes what was measured.'
        )
