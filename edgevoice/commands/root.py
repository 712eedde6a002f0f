"""Every command of `edgevoice`, for people: help, refusals in one line, exit status."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from edgevoice import __version__
from edgevoice.commands import alarms, benches, config, ctl, earcons, memory, panel, persona, transcript, wakeword
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
app.add_typer(benches.app, name="bench")


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
