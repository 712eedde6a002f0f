"""Every command of `edgevoice`, for people: help, refusals in one line, exit status."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from edgevoice import __version__
from edgevoice.commands import alarms, config, ctl, earcons, memory, panel, persona, transcript, wakeword
from edgevoice.commands.commandline import group
from edgevoice.commands.config import ConfigOption
from edgevoice.commands.outcome import only_parse, run_command

app = group("A smart speaker on a Raspberry Pi: say the wake word, ask, hear the answer, interrupt whenever you like.")
app.add_typer(config.app, name="config")
app.add_typer(ctl.app, name="ctl")
app.add_typer(earcons.app, name="earcons")
app.add_typer(panel.app, name="panel")
app.add_typer(memory.app, name="memory")
app.add_typer(alarms.timers, name="timers")
app.add_typer(alarms.alarms, name="alarms")
app.add_typer(persona.app, name="persona")
app.add_typer(transcript.app, name="transcript")
app.add_typer(wakeword.app, name="wakeword")


def _show_version(value: bool) -> None:  # noqa: FBT001 - typer calls it
    if value:
        print(f"edgevoice {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
    parse_only: Annotated[bool, typer.Option("--parse-only", hidden=True)] = False,
) -> None:
    """Read the options before a command."""
    del version  # its callback has already shown it
    only_parse(is_wanted=parse_only)


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []})
def run(context: typer.Context) -> None:
    """Run the smart speaker until it is stopped: what the service does."""
    from edgevoice.box.daemon import main

    raise typer.Exit(main(context.args))


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []})
def local(context: typer.Context) -> None:
    """Run the answering service that needs no account, on 127.0.0.1."""
    from edgevoice.local.__main__ import main

    raise typer.Exit(main(context.args))


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []})
def page(context: typer.Context) -> None:
    """Serve the live page of the box in a browser, or switch it on: edgevoice page --help."""
    from edgevoice.page.command import main

    raise typer.Exit(main(context.args))


@app.command()
def devices(*, as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False) -> None:
    """List the sound cards that are present, by the names that the settings accept."""
    from edgevoice.commands.devices import show

    run_command(lambda: show(as_json=as_json))


@app.command()
def doctor(
    *,
    echo: Annotated[
        bool, typer.Option("--echo", help="Measure how the box hears itself, and what may interrupt it.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Without sound.")] = False,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", metavar="FILE.tar.gz", help="Write a support archive, without secrets.")
    ] = None,
    config: ConfigOption = None,
    volume: Annotated[
        int | None, typer.Option(min=1, max=100, metavar="PERCENT", help="By default the settings' volume.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Check the box: sound, pins, network, key, service and the machine, with a remedy for everything that is wrong."""
    if echo:
        if quick or bundle:
            raise typer.BadParameter("--echo can be combined only with --volume, --config and --json")
        from edgevoice.commands.doctor_echo import examine_echo

        run_command(lambda: examine_echo(config, volume_percent=volume, as_json=as_json))
    from edgevoice.commands.doctor import examine

    run_command(lambda: examine(config, quick=quick, volume_percent=volume, bundle=bundle, as_json=as_json))


@app.command()
def status(*, as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False) -> None:
    """Show how the box is doing: version, state, fault with its remedy, the last conversation, warnings."""
    from edgevoice.commands.status import show

    run_command(lambda: show(as_json=as_json))


@app.command()
def why(
    *,
    most: Annotated[int, typer.Option("--most", min=1, max=20, metavar="COUNT", help="How many to show.")] = 3,
    trail: Annotated[bool, typer.Option("--trail", help="Also what had happened before each.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
) -> None:
    """Show what failed last, why, and what to do about it."""
    from edgevoice.commands.why import show

    run_command(lambda: show(most=most, with_trail=trail, as_json=as_json))


@app.command()
def metrics(*, as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False) -> None:
    """Show what the running box has counted, as Prometheus reads it; metrics.enabled lets it count."""
    from edgevoice.commands.metrics import show

    run_command(lambda: show(as_json=as_json))


@app.command("mcp")
def mcp_server(
    *,
    socket: Annotated[
        Path | None, typer.Option("--socket", metavar="PATH", help="The box's control socket; by default as for ctl.")
    ] = None,
) -> None:
    """Serve the box's tools, such as say and ask, to an assistant, as an MCP server on standard input and output."""
    from edgevoice.commands.mcp import serve

    run_command(lambda: serve(socket))


@app.command()
def talk(config: ConfigOption = None) -> None:
    """Talk with the box at the keyboard: Enter instead of the wake word, transcripts of both sides on the screen."""
    from edgevoice.commands.talk import talk as command

    run_command(lambda: command(config))


@app.command()
def demo(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="FOLDER", help="Where to save the WAV and the picture.")
    ] = None,
) -> None:
    """Hold a whole conversation on a virtual sound card, without microphone, account or Pi."""
    from edgevoice.testbed.demo.show import show

    run_command(lambda: show(folder, as_json=as_json))


@app.command("eval")
def evaluate(
    scenarios: Annotated[
        Path | None,
        typer.Argument(metavar="SCENARIOS.toml", help="What is said and how it is scored; by default eight that ship."),
    ] = None,
    *,
    config: ConfigOption = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="A B",
            help="Show two side by side: settings of the service (model=NAME,voice=NAME), or files that --json wrote. "
            "The exit status is B's.",
        ),
    ] = None,
    via: Annotated[
        Literal["library", "card"] | None,
        typer.Option(help="How conversations are held, whatever the scenarios say; the card needs gcc."),
    ] = None,
    repeats: Annotated[
        int, typer.Option("--repeat", min=1, max=100, metavar="COUNT", help="How often each scenario is held.")
    ] = 1,
    show: Annotated[bool, typer.Option("--show", help="Print the scenarios that ship, and hold none.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Show the scores of real conversations (see grading.rate), and hold none.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Grade the model and the voice by spoken conversations. The exit status is 0 passed, 1 scored, 2 failed."""
    from edgevoice.commands.evaluate import evaluate as command
    from edgevoice.commands.evaluate import show_live, show_shipped

    if show or live:
        run_command(show_shipped if show else lambda: show_live(as_json=as_json))
    run_command(lambda: command(scenarios, config, compare=compare, via=via, repeats=repeats, as_json=as_json))


bench = group("Measure on the virtual sound card; the last line is one JSON object.")
app.add_typer(bench, name="bench")


@bench.command()
def latency(
    *,
    rounds: Annotated[int, typer.Option(min=1, max=200, metavar="COUNT", help="Conversations to hold.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False,
) -> None:
    """Measure: wake word to light, session to first audio sent, first audio received to the DAC."""
    from edgevoice.testbed.bench.latency import measure

    run_command(lambda: measure(rounds, as_json=as_json))


@bench.command("panel")
def panel_bench(
    *,
    rounds: Annotated[int, typer.Option(min=2, max=200, metavar="COUNT", help="Presses of both buttons.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False,
) -> None:
    """Measure: button to light and to listening, mute to silence at the service, and what the lights cost."""
    del as_json  # nothing else is printed
    from edgevoice.testbed.bench.panel import measure

    run_command(lambda: measure(rounds))


@bench.command("barge-in")
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


@bench.command("wakeword")
def wakeword_engines(*, as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False) -> None:
    """Compare the wake word engine with the library's on the same sound: cost, memory, equal scores."""
    from edgevoice.testbed.bench.wakeword import measure

    run_command(lambda: measure(as_json=as_json))


@bench.command()
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


@bench.command()
def limits(
    *,
    seconds: Annotated[int, typer.Option(min=2, max=3600, metavar="SECONDS", help="How long to measure each.")] = 20,
    cuts: Annotated[int, typer.Option(min=2, max=2000, metavar="COUNT", help="Answers to interrupt.")] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False,
) -> None:
    """Measure an idle box and a cut beside their floors: a C program that only captures, and the card's own period."""
    from edgevoice.testbed.bench.limits import measure

    run_command(lambda: measure(seconds, cuts, as_json=as_json))


@bench.command()
def household(
    *,
    rings: Annotated[int, typer.Option(min=2, max=1000, metavar="COUNT", help="How many timers ring.")] = 20,
    minutes: Annotated[
        float, typer.Option(min=0.1, max=600, metavar="MINUTES", help="How much other speech it hears.")
    ] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False,
) -> None:
    """Measure how late timers ring, whether "stop" is heard over them, and what the store and the socket take."""
    from edgevoice.testbed.bench.household import measure

    run_command(lambda: measure(rings, minutes, as_json=as_json))


@bench.command("tools")
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


@bench.command("integrations")
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


@bench.command("commands")
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


@bench.command("echo")
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
    processes: Annotated[int, typer.Option(min=1, max=64, metavar="COUNT", help="Simulations in parallel.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False,
) -> None:
    """Measure, in simulated rooms, whether the box interrupts itself, and whether people can interrupt it.

    A folder of recordings (WAV, FLAC, Ogg; with a licence file) replaces the corresponding synthetic sounds.
    """
    from edgevoice.testbed.bench import echo, echo_recorded

    folders = echo_recorded.Folders(near, noises, far, rooms)
    if folders:
        run_command(
            lambda: echo_recorded.measure(
                echo_recorded.plan(folders, tier, drift, minutes, trials, processes), as_json=as_json
            )
        )
    else:
        run_command(lambda: echo.measure(echo.plan(tier, drift, minutes, trials, processes), as_json=as_json))


@bench.command("wire")
def wire_codec(
    *,
    rounds: Annotated[int, typer.Option(min=100, max=1_000_000, metavar="COUNT", help="Events of each kind.")] = 20_000,
    as_json: Annotated[bool, typer.Option("--json", help="Only the JSON object.")] = False,
) -> None:
    """Measure the cost of reading and writing one event of the service, without a network."""
    from edgevoice.testbed.bench.wire import measure

    run_command(lambda: measure(rounds, as_json=as_json))
