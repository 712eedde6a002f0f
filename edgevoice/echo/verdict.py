"""Echo verdict: which tier suits the self-test's findings, and why, in one line for people. No I/O."""

from dataclasses import dataclass

from edgevoice.echo.selftest import Measured, Trial
from edgevoice.echo.tiers import Tier

UNHEARD_DB = 3.0
"""Echo and noise over the noise alone: at 3 dB the echo is no louder than the room itself."""

DEVICE_LOSS_DB = 30.0
"""An unheard echo with at least this loss is cancelled by the device; with less, the low volume keeps it under the
noise.
"""

USEFUL_DB = 6.0
"""What a filter must remove to be worth its cost: a wake word that was as loud as the echo then stands out from it."""

GOOD_DB = 20.0
"""What it must remove before speech may interrupt: at 24 dB the wake word is found under an answer as loud as itself 22
times in 24, at 17.6 dB 20 times (simulated rooms, 24 phrases); the speech detector uses the same filter's output.
"""

QUIET_DB = 6.0
"""How little may be left over the room's noise for a filter to count as good whatever the figure: there was no more
echo.
"""

SUPPRESSED_DB = 30.0
"""What the suppressor must remove, so that the service does not hear the box: it reaches 40 dB in simulated rooms."""

MOST_CPU_MS = 100.0
"""Per second of audio: a tenth of a core, and 2 ms of each callback's 20."""

MOST_DRIFT_PPM = 300.0
"""Two crystals of 100 ppm each and a margin. The reference is resampled up to this; no crystal drifts more."""

MOST_DRIFT_ERROR_PPM = 20.0
"""A less certain rate cannot be followed: at 15 ppm of error a filter's figure falls from 33 to 18 dB."""

MOST_CLIPPED_PERCENT = 1.0
"""Share of the periods; a single one may be a door."""

MOST_SILENCED_PERCENT = 50.0
"""Share of the periods; no room is that quiet."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A canceller's trial and its cost in ms of CPU time per second of audio; else why it was not tried."""

    trial: Trial | None = None
    cpu_ms_per_s: float = 0.0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The tier and why; without a tier the measurement is useless, and ``why`` says what to do about it."""

    tier: Tier | None
    why: str


def problem_of(measured: Measured) -> str:
    """Return why a measurement allows no conclusion, empty if it does."""
    if measured.is_dead:
        return (
            "the microphone gives only one constant value: it is switched off, by its mute switch or in the mixer "
            "(`alsamixer`, F4)"
        )
    if measured.clipped_percent > MOST_CLIPPED_PERCENT:
        return (
            "the microphone is overdriven by the speaker: turn down the volume, or the microphone's gain in the mixer"
        )
    if measured.silenced_percent > MOST_SILENCED_PERCENT:
        return ""
    if not measured.is_heard:
        return (
            "the microphone hears the room, but nothing of what was played: check that the speaker is on and turned "
            'up; if it was loud and clear, the device cancels its own echo: set echo.tier to "hardware"'
        )
    if measured.echo_db <= UNHEARD_DB and measured.return_loss_db < DEVICE_LOSS_DB:
        return "the room is too loud, or the volume too low: the speaker is not heard above the noise"
    return ""


def judge(measured: Measured, linear: Tried, suppressor: Tried) -> Verdict:
    """Return the tier that suits; ``linear`` and ``suppressor`` are considered only if there is an echo to cancel."""
    if problem := problem_of(measured):
        return Verdict(None, problem)
    if measured.silenced_percent > MOST_SILENCED_PERCENT:
        return Verdict(Tier.NONE, "the device switches its microphone off while it plays")
    if measured.echo_db <= UNHEARD_DB:
        return Verdict(Tier.HARDWARE, "the speaker is not heard above the room's noise, so there is nothing to cancel")
    return _without_device(measured, linear, suppressor)


def _without_device(measured: Measured, linear: Tried, suppressor: Tried) -> Verdict:
    drift, error = measured.drift_ppm, measured.drift_error_ppm
    if drift is None or error is None or error > MOST_DRIFT_ERROR_PPM:
        return Verdict(Tier.NONE, "the clocks of microphone and speaker do not keep step, so no filter can follow")
    if abs(drift) > MOST_DRIFT_PPM:
        return Verdict(Tier.NONE, f"the two clocks drift apart by {drift:.0f} ppm, more than can be followed")
    if linear.trial is None:
        return Verdict(Tier.NONE, linear.problem)
    if not _takes_out(linear.trial, USEFUL_DB):
        return Verdict(
            Tier.NONE, f"the filter takes out {linear.trial.cancelled_db:.0f} dB of the echo, next to nothing"
        )
    if linear.cpu_ms_per_s > MOST_CPU_MS:
        return Verdict(Tier.NONE, f"the filter costs {linear.cpu_ms_per_s:.0f} ms per second, too much here")
    return _with_linear(linear.trial, linear.cpu_ms_per_s, suppressor, measured.distortion_percent)


def _with_linear(linear: Trial, cpu_ms_per_s: float, suppressor: Tried, distortion_percent: float) -> Verdict:
    taken = f"the filter takes out {linear.cancelled_db:.0f} dB of the echo"
    if not _takes_out(linear, GOOD_DB):
        # A linear filter leaves what the loudspeaker adds: 10 % of distortion is an echo 20 dB down.
        cause = f"; the loudspeaker distorts ({distortion_percent:.0f} %), so turn it down"
        return Verdict(
            Tier.LINEAR,
            f"{taken}, not the {GOOD_DB:.0f} that it takes for speech to interrupt"
            + (cause if distortion_percent > 100 * 10 ** (-GOOD_DB / 20) else ""),
        )
    if suppressor.trial is None:
        return Verdict(Tier.LINEAR, f"{taken}, but {suppressor.problem}")
    if not _takes_out(suppressor.trial, SUPPRESSED_DB):
        return Verdict(Tier.LINEAR, f"{taken}, but the suppressor only {suppressor.trial.cancelled_db:.0f} dB")
    cpu_ms_per_s += suppressor.cpu_ms_per_s
    if cpu_ms_per_s > MOST_CPU_MS:
        return Verdict(Tier.LINEAR, f"{taken}, but with the suppressor it costs {cpu_ms_per_s:.0f} ms per second")
    return Verdict(Tier.SUPPRESSOR, f"{taken}, and the suppressor takes the rest")


def _takes_out(trial: Trial, wanted_db: float) -> bool:
    return trial.cancelled_db >= wanted_db or trial.left_db <= QUIET_DB
