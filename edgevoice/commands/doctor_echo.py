"""`edgevoice doctor --echo`: plays a test sound, listens, and finds out what may interrupt the box in this room."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from edgevoice import journal
from edgevoice.doctor import echo
from edgevoice.doctor.streams import SoundNotMeasured, find_devices
from edgevoice.echo import selftest
from edgevoice.echo.selftest import Measured
from edgevoice.echo.tiers import Tier
from edgevoice.echo.verdict import Tried, Verdict
from edgevoice.settings.file import load
from edgevoice.settings.schema import Settings

_ALLOWS = {
    Tier.NONE: "the talk button interrupts, and the wake word if you are louder than the answer",
    Tier.LINEAR: "the wake word and the talk button interrupt",
    Tier.SUPPRESSOR: "whatever you say interrupts",
    Tier.HARDWARE: "whatever you say interrupts",
}


def examine_echo(path: Path | None, *, volume_percent: int | None, as_json: bool) -> int:
    """Measure, judge, and save the result for the daemon; return 0 if there is one."""
    loaded = load(path, os.environ)
    settings = loaded.settings
    # The error that follows says in one line why a device was lost.
    journal.start("critical")
    volume_percent = settings.speaker.volume_percent if volume_percent is None else volume_percent
    say = _sayer(sys.stderr if as_json else sys.stdout)
    find_devices(settings)
    say(
        f"Please be quiet for {selftest.QUIET_S + selftest.SIGNAL_S + 3:.0f} seconds. I will listen to the room, then "
        f"play whistles and babble at {volume_percent} % of full volume."
    )
    try:
        recording = asyncio.run(echo.record(settings, volume_percent))
    except SoundNotMeasured:
        say("The sound had gaps, probably because the machine is busy. Trying once more.")
        recording = asyncio.run(echo.record(settings, volume_percent))
    measured, linear, suppressor, verdict = echo.examine(recording, say)
    if as_json:
        print(json.dumps(_data(measured, linear, suppressor, verdict, volume_percent)))
    else:
        _print_table(measured, linear, suppressor)
        _print_verdict(settings, verdict)
    if verdict.tier is None:
        return 1
    kept = echo.keep(echo.record_of(settings, measured, linear, verdict.tier))
    if not as_json:
        say(f"Saved in {kept}.")
    return 0


def _sayer(stream: object) -> Callable[[str], None]:
    console = Console(file=stream, soft_wrap=True)  # type: ignore[arg-type]  # a text stream
    return lambda text: console.print(text, markup=False, highlight=False)


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
        table.add_row("the speaker, above that noise", f"{measured.echo_db:.0f} dB")
        table.add_row("echo below the played sound", f"{measured.return_loss_db:.0f} dB")
        table.add_row("echo delay beyond the clocks'", f"{measured.delay_ms:.1f} ms")
        table.add_row("distortion of the loudspeaker", f"{measured.distortion_percent:.1f} %")
    if measured.drift_ppm is not None and measured.drift_error_ppm is not None:
        table.add_row(
            "the speaker's clock, faster by", f"{measured.drift_ppm:.1f} ppm ± {measured.drift_error_ppm:.1f}"
        )
    for name, tried in (("echo removed by the filter", linear), ("echo removed by the suppressor", suppressor)):
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
            f'The settings say echo.tier = "{settings.echo.tier}", which overrides this; "auto" uses what was measured.'
        )
