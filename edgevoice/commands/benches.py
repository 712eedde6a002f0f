"""`edgevoice bench`: measurements on the virtual sound card and in simulated rooms."""

from pathlib import Path
from typing import Annotated

import typer

from edgevoice.commands.commandline import group
from edgevoice.commands.outcome import run_command

app = group("Measure on the virtual sound card; the last line is one JSON object.")


@app.command()
def latency(
    *,
    rounds: Annotated[int, typer.Option(min=1, max=200, metavar="COUNT", help="Conversations to hold.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False,
) -> None:
    """Measure: wake word to light, session to first audio sent, first audio received to the DAC."""
    from edgevoice.testbed.bench.latency import measure

    run_command(lambda: measure(rounds, as_json=as_json))


@app.command("panel")
def panel_bench(
    *,
    rounds: Annotated[int, typer.Option(min=2, max=200, metavar="COUNT", help="Presses of both buttons.")] = 24,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False,
) -> None:
    """Measure: button to light and to listening, mute to silence at the service, and what the lights cost."""
    from edgevoice.testbed.bench.panel import measure

    run_command(lambda: measure(rounds, as_json=as_json))


@app.command("barge-in")
def barge_in(
    *,
    cuts: Annotated[
        int, typer.Option(min=2, max=2000, metavar="COUNT", help="Answers to interrupt, half of them under load.")
    ] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False,
) -> None:
    """Measure interruptions: from the decision to silence at the DAC, and the reported heard_ms against the tape."""
    from edgevoice.testbed.bench.barge_in import measure

    run_command(lambda: measure(cuts, as_json=as_json))


@app.command("wakeword")
def wakeword_engines(*, as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False) -> None:
    """Compare the wake word engine with the library's on the same sound: cost, memory, equal scores."""
    from edgevoice.testbed.bench.wakeword import measure

    run_command(lambda: measure(as_json=as_json))


@app.command()
def idle(
    *,
    seconds: Annotated[
        int, typer.Option(min=4, max=3600, metavar="SECONDS", help="How long to listen, both to silence and to speech.")
    ] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False,
) -> None:
    """Measure what the whole box costs while nobody speaks to it, and how soon after its start it listens."""
    from edgevoice.testbed.bench.idle import measure

    run_command(lambda: measure(seconds, as_json=as_json))


@app.command()
def limits(
    *,
    seconds: Annotated[int, typer.Option(min=2, max=3600, metavar="SECONDS", help="How long to measure each.")] = 20,
    cuts: Annotated[int, typer.Option(min=2, max=2000, metavar="COUNT", help="Answers to interrupt.")] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False,
) -> None:
    """Measure an idle box and a cut beside their floors: a C program that only captures, and the card's own period."""
    from edgevoice.testbed.bench.limits import measure

    run_command(lambda: measure(seconds, cuts, as_json=as_json))


@app.command()
def answering(*, as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False) -> None:
    """Measure the process that answers where there is no key: its start, its memory at rest and in use, its speed."""
    from edgevoice.testbed.bench.answering import measure

    run_command(lambda: measure(as_json=as_json))


@app.command()
def household(
    *,
    rings: Annotated[int, typer.Option(min=2, max=1000, metavar="COUNT", help="How many timers ring.")] = 20,
    minutes: Annotated[
        float, typer.Option(min=0.1, max=600, metavar="MINUTES", help="How much other speech it hears.")
    ] = 60,
    seconds: Annotated[
        int, typer.Option(min=1, max=3600, metavar="SECONDS", help="How long programs ask 1,000 things a second.")
    ] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False,
) -> None:
    """Measure how late timers ring, whether "stop" is heard over them, the store, and the socket under load."""
    from edgevoice.testbed.bench.household import measure

    run_command(lambda: measure(rings, minutes, seconds, as_json=as_json))


@app.command("tools")
def tools_bench(
    *,
    seconds: Annotated[
        int, typer.Option(min=2, max=3600, metavar="SECONDS", help="How long tools run beside the sound.")
    ] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False,
) -> None:
    """Measure what tools cost: how soon a call runs and is answered, lost sound, and memory."""
    from edgevoice.testbed.bench.tools import measure

    run_command(lambda: measure(seconds, as_json=as_json))


@app.command("integrations")
def integrations_bench(
    *,
    seconds: Annotated[
        int, typer.Option(min=2, max=3600, metavar="SECONDS", help="How long the connection is watched at rest.")
    ] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False,
) -> None:
    """Measure what Home Assistant, metrics and the live page cost: memory, processor, the time of an order, xruns."""
    from edgevoice.testbed.bench.integrations import measure

    run_command(lambda: measure(seconds, as_json=as_json))


@app.command("commands")
def commands_bench(
    *,
    noises: Annotated[Path | None, typer.Option(metavar="DIR", help="Recordings of noises, by kind.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False,
) -> None:
    """Measure how well the service inside the box understands the voices of espeak-ng, flite, festival and pico."""
    from edgevoice.testbed.bench.commands import measure, talkers
    from edgevoice.testbed.bench.recordings import read_folder

    def command() -> int:
        beds = read_folder(noises, "--noises", typer.echo) if noises is not None else ()
        return measure(talkers(), beds, as_json=as_json)

    run_command(command)


@app.command("echo")
def echo_bench(
    *,
    tier: Annotated[
        list[str] | None, typer.Option("--tier", metavar="TIER", help="Only this tier; may be repeated.")
    ] = None,
    drift: Annotated[
        list[int] | None, typer.Option("--drift", min=-1000, max=1000, metavar="PPM", help="Only this clock drift.")
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.1, max=600, metavar="MINUTES", help="How long it talks with nobody present.")
    ] = 60,
    trials: Annotated[
        int | None,
        typer.Option(min=1, max=24, metavar="COUNT", help="How many people, noises and wake words over it; 24."),
    ] = None,
    near: Annotated[Path | None, typer.Option(metavar="DIR", help="Recordings of people who talk over it.")] = None,
    noises: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Recordings of noises, by kind; 10 s and more: background.")
    ] = None,
    far: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Recordings of voices for the box to speak with.")
    ] = None,
    rooms: Annotated[Path | None, typer.Option(metavar="DIR", help="Measured room responses.")] = None,
    music: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Music on the same speaker, with and without echo.reference.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, metavar="COUNT", help="Simulations in parallel.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False,
) -> None:
    """Measure, in simulated rooms, whether the box interrupts itself, and whether people can interrupt it.

    A folder of recordings (WAV, FLAC, Ogg; with a licence file) replaces the corresponding synthetic sounds.
    """
    from edgevoice.testbed.bench import echo, echo_music, echo_recorded

    if music is not None:
        run_command(lambda: echo_music.measure(music, trials or 24, minutes, processes))
        return
    folders = echo_recorded.Folders(near, noises, far, rooms)
    if folders:
        run_command(
            lambda: echo_recorded.measure(
                echo_recorded.plan(folders, tier, drift, minutes, trials, processes), as_json=as_json
            )
        )
    else:
        run_command(lambda: echo.measure(echo.plan(tier, drift, minutes, trials, processes), as_json=as_json))


@app.command("wire")
def wire_codec(
    *,
    rounds: Annotated[int, typer.Option(min=100, max=1_000_000, metavar="COUNT", help="Events of each kind.")] = 20_000,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False,
) -> None:
    """Measure the cost of reading and writing one event of the service, without a network."""
    from edgevoice.testbed.bench.wire import measure

    run_command(lambda: measure(rounds, as_json=as_json))
