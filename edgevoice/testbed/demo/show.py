"""`edgevoice demo`: holds the conversation, shows what happens, and leaves a WAV and a picture behind."""

import asyncio
import contextlib
import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from edgevoice.commands.screen import Screen
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.notices import PhaseEntered, Role, TranscriptChanged
from edgevoice.errors import EdgevoiceError
from edgevoice.extras import how_to_add
from edgevoice.journal import start as start_journal
from edgevoice.store.folders import make_scratch
from edgevoice.testbed.demo.figures import Figures, figures_of, read_stereo
from edgevoice.testbed.demo.scenario import STEPS, WORDS, Played, play
from edgevoice.testbed.demo.timeline import Side, Stretch, TimelineMark, draw
from edgevoice.testbed.stage.compare import NothingInCommon
from edgevoice.testbed.stage.stage import Stage, set_stage
from edgevoice.testbed.stage.talker import rehearse
from edgevoice.testbed.virtual import write_conversation

_MARKER = ".edgevoice-demo"
"""Marks a folder as the output of a demonstration: only there may an earlier one be replaced."""

EXIT_STANDSTILL = 75
"""EX_TEMPFAIL of sysexits.h: a later attempt may succeed."""

_AUDIBLE = 300
"""A sample above this is speech, of 32768; the virtual card's own noise is far below."""

_LEAD_S = 1.0
"""How much the picture shows before the first word."""

_HEARD_ERROR_LIMIT_MS = 1.0
"""How far off a truncation may be: the service counts in whole milliseconds."""


class DemoFolderRefused(EdgevoiceError, OSError):
    """The folder for the recording and the picture already holds something else."""

    code = "demo-folder"
    remedy = "Name a new or an empty folder."


def show(folder: Path | None, *, as_json: bool) -> int:
    """Run the demonstration; return 0 only if every step happened and the figures are sound.

    75 if the machine stalled during the conversation: such losses say nothing about the box.
    """
    folder = _own_folder(folder)
    stream = sys.stderr if as_json else sys.stdout
    start_journal("warning")
    played = Played()
    problem = ""
    figures: Figures | None = None
    began = time.monotonic()
    screen = Screen(stream, began=began)
    screen.say("preparing a box on a virtual sound card, and a person who talks to it", began)
    try:
        figures = asyncio.run(_hold(folder, played, screen))
    except NothingInCommon as error:
        problem = f"the recording could not be measured: {error}; it is in {folder}"
    except EdgevoiceError as error:
        problem = error.line()
    finally:
        screen.close()
        if not played.steps:
            _remove_if_empty(folder)
    problem = problem or _shortcomings(played, figures)
    if not problem:
        _clear(folder)
    if as_json:
        print(json.dumps(_report(played, figures, problem, folder, began)))
    else:
        _print_report(Console(file=stream), played, figures, problem, folder, began)
    if problem and figures is not None and problem == _standstill(figures):
        return EXIT_STANDSTILL
    return 1 if problem else 0


async def _hold(folder: Path, played: Played, screen: Screen) -> Figures:
    await rehearse(*WORDS)
    async with set_stage(folder, observers=(screen,)) as stage:
        is_interrupted = False
        try:
            await play(stage, played)
            # Before the picture is drawn, which needs no box.
            overflows = stage.card.near_end.header.xruns
        except asyncio.CancelledError:
            is_interrupted = True
            raise
        finally:
            if not is_interrupted:
                # Beside the box, whose loop would stand still for a second, and say so.
                await asyncio.to_thread(_leave_behind, stage, folder, played)
        return figures_of(stage, played.decided_s, overflows)


def _leave_behind(stage: Stage, folder: Path, played: Played) -> None:
    """Write the WAV and the picture, also of a failed conversation: they are needed most then."""
    wav = folder / "conversation.wav"
    zero_s = write_conversation(wav, stage.card.near_end_tapes, stage.card.far_end_tapes)
    left, right, rate_hz = read_stereo(wav)
    # The seconds before the first word are of no interest.
    first = max(0, int(np.argmax(np.abs(left) > _AUDIBLE)) - round(_LEAD_S * rate_hz))
    left, right, zero_s = left[first:], right[first:], zero_s + first / rate_hz
    length_s = len(left) / rate_hz
    marks = [TimelineMark(step.at_s - zero_s, step.name) for step in played.steps if step.name in _PICTURED]
    phases = _phases(stage, zero_s, length_s)
    sides = (
        Side("near-end: the person", "#31a354", left, _words(stage, Role.USER, phases, zero_s, length_s)),
        Side("far-end: the box", "#3182bd", right, _words(stage, Role.ASSISTANT, phases, zero_s, length_s)),
    )
    try:
        draw(folder / "timeline.png", sides, rate_hz, phases, marks)
    except ImportError:
        print(f"no picture: it needs matplotlib: {how_to_add('plot')}", file=sys.stderr)


_PICTURED = {"wake word heard", "tool called", "barge-in", "playback cut", "goodbye", "hung up"}


def _phases(stage: Stage, zero_s: float, length_s: float) -> list[Stretch]:
    changes = [(0.0, str(Phase.IDLE))]
    changes += [(max(0.0, at_s - zero_s), entered.phase) for at_s, entered in stage.seen.all_of(PhaseEntered)]
    ends = [at_s for at_s, _ in changes[1:]] + [length_s]
    return [Stretch(name, at_s, end_s) for (at_s, name), end_s in zip(changes, ends, strict=True)]


def _words(stage: Stage, role: Role, phases: Sequence[Stretch], zero_s: float, length_s: float) -> list[Stretch]:
    """Return what a side said, item by item, each from its phase to the next words of that side.

    A person speaks before the words are known, and the box afterwards: of the phases in which that side has its turn,
    it is the last that began before, or the first that ends after.
    """
    last: dict[str, tuple[float, str]] = {}
    for at_s, changed in stage.seen.all_of(TranscriptChanged):
        if changed.role is role and changed.text:
            last[changed.item_id] = (at_s - zero_s, changed.text)
    begins: list[tuple[float, str]] = []
    for at_s, text in sorted(last.values()):
        if role is Role.USER:
            asking = [phase.from_s for phase in phases if phase.name == Phase.LISTENING and phase.from_s <= at_s]
            # The first question begins with the wake word, before the box listens.
            begins.append((asking[-1] if begins and asking else min(_LEAD_S, at_s), text))
        else:
            answering = [phase.from_s for phase in phases if phase.name == Phase.SPEAKING and phase.to_s >= at_s]
            begins.append((answering[0] if answering else at_s, text))
    ends = [at_s for at_s, _ in begins[1:]] + [length_s]
    return [Stretch(text, at_s, end_s) for (at_s, text), end_s in zip(begins, ends, strict=True)]


def _shortcomings(played: Played, figures: Figures | None) -> str:
    """Return what is wrong with a completed conversation; empty if nothing is."""
    missing = [name for name in STEPS if name not in {step.name for step in played.steps}]
    if missing:
        return f"these steps did not happen: {', '.join(missing)}"
    if figures is None:
        return "nothing could be measured"
    if standstill := _standstill(figures):
        return standstill
    if figures.samples_lost or figures.samples_doubled:
        return _losses(figures)
    if abs(figures.heard_error_ms) > _HEARD_ERROR_LIMIT_MS:
        return f"the report of what was heard is {figures.heard_error_ms} ms more than the tape holds"
    if figures.late_samples:
        return f"{figures.late_samples} samples of the old answer sounded after the cut"
    return ""


def _standstill(figures: Figures) -> str:
    """Return the message about losses that the machine caused; empty if there are none."""
    if not figures.overflows or not (figures.samples_lost or figures.samples_doubled):
        return ""
    return (
        f"{_losses(figures)}: this machine stalled so long that the microphone overflowed {figures.overflows} "
        "times; try again when it has less to do"
    )


def _losses(figures: Figures) -> str:
    return f"{figures.samples_lost} samples were lost and {figures.samples_doubled} doubled on the way to the service"


def _report(played: Played, figures: Figures | None, problem: str, folder: Path, began: float) -> dict[str, object]:
    steps = [{"name": step.name, "at_s": round(step.at_s - began, 3)} for step in played.steps]
    report: dict[str, object] = {"ok": not problem, "steps": steps}
    if problem:
        report["problem"] = problem
    if figures is not None:
        report |= asdict(figures) | {"cut_to_silence_ms": figures.cut_ms}
    return report | {"folder": str(folder)}


_LINES = (
    ("detection_ms", "wake word's last frame → decision", "ms"),
    ("light_ms", "decision → light", "ms"),
    ("session_ms", "dialling → session open", "ms"),
    ("first_append_ms", "session open → first audio sent", "ms"),
    ("first_sound_ms", "first audio received → DAC, with prefill", "ms"),
    ("cut_ms", "barge-in decided → silence at the DAC", "ms"),
    ("heard_ms", "heard, as reported to the service", "ms"),
    ("heard_error_ms", "heard: reported minus tape", "ms off"),
    ("samples_lost", "samples lost from the microphone to the service", ""),
    ("samples_doubled", "samples doubled", ""),
)


def _print_report(
    console: Console, played: Played, figures: Figures | None, problem: str, folder: Path, began: float
) -> None:
    if not played.steps:
        console.print(f"[red]The demo failed: {problem}[/red]")
        return
    table = Table("step", "after", box=None, pad_edge=False, title_justify="left", title="What happened")
    done = {step.name: step.at_s - began for step in played.steps}
    for name in STEPS:
        table.add_row(f"{'✓' if name in done else '✗'} {name}", f"{done[name]:.2f} s" if name in done else "")
    console.print()
    console.print(table)
    if figures is not None:
        measured = Table(
            "from → to", "measured", box=None, pad_edge=False, title_justify="left", title="\nMeasurements"
        )
        for name, label, unit in _LINES:
            measured.add_row(label, f"{getattr(figures, name)} {unit}".strip())
        console.print(measured)
    console.print(f"\nListen to it: {folder / 'conversation.wav'} (left: you, right: the box)", soft_wrap=True)
    console.print(f"See it:       {folder / 'timeline.png'}", soft_wrap=True)
    console.print(f"\n[red]The demo failed: {problem}[/red]" if problem else "\n[green]Every step happened.[/green]")


def _own_folder(wanted: Path | None) -> Path:
    """Return an empty folder, or one from an earlier demonstration; nothing else is ever changed."""
    if wanted is None:
        return make_scratch("edgevoice-demo-")
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        left = {path.name for path in wanted.iterdir()}
    except OSError as error:
        raise DemoFolderRefused(f"{wanted} cannot be used: {error.strerror}") from error
    if left and _MARKER not in left:
        raise DemoFolderRefused(f"{wanted} is not empty, and is not from an earlier demonstration")
    (wanted / _MARKER).touch()
    _clear(wanted)
    return wanted


def _clear(folder: Path) -> None:
    """Remove the tapes and what the service recorded: they hold what was said."""
    for left in ("card", "service"):
        shutil.rmtree(folder / left, ignore_errors=True)


def _remove_if_empty(folder: Path) -> None:
    _clear(folder)
    with contextlib.suppress(OSError):
        folder.rmdir()
