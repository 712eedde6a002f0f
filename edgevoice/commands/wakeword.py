"""`edgevoice wakeword`: what people need to try, watch and tune the wake word. Only `tune --apply` changes settings."""

from pathlib import Path
from typing import Annotated

import typer

from edgevoice.commands.commandline import group
from edgevoice.commands.config import ConfigOption
from edgevoice.commands.outcome import run_command

app = group(
    "Try, watch and tune the wake word.",
    epilog="openWakeWord's models are under CC BY-NC-SA 4.0: not for commercial use. "
    'Those of wakeword.engine = "microwakeword" are under Apache-2.0.',
)

_Json = Annotated[bool, typer.Option("--json", help="One JSON object on one line.")]
_Files = Annotated[
    list[Path], typer.Argument(metavar="FILE", help="WAV of any rate; FLAC and Ogg with the extra [eval].")
]
_Folders = Annotated[
    list[Path],
    typer.Argument(
        metavar="FOLDER", help="Recordings whose own names, or whose folders' names, begin with pos or neg."
    ),
]


@app.command("test")
def scores(
    files: _Files,
    *,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="PNG", help="Draw sound and scores.")] = None,
    config: ConfigOption = None,
    as_json: _Json = False,
) -> None:
    """Score recordings as the box would, and show where it would have woken."""
    from edgevoice.commands.wakeword_scores import show

    run_command(lambda: show(files, config, picture=plot, as_json=as_json))


@app.command()
def watch(
    *,
    seconds: Annotated[
        float | None,
        typer.Option(min=0.1, max=86_400, metavar="SECONDS", help="Stop after this time.", show_default="until Ctrl-C"),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Show the score live while you speak, with the threshold marked. Ctrl-C ends it."""
    from edgevoice.commands.wakeword_watch import watch as command

    run_command(lambda: command(config, seconds=seconds))


@app.command()
def tune(
    *,
    false_wakes: Annotated[
        float, typer.Option(min=0, max=1000, metavar="COUNT", help="How many false wakes per day you accept.")
    ] = 0.5,
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="FOLDER", help="Where the box keeps its log of near misses.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Set what is proposed in the settings file.")] = False,
    config: ConfigOption = None,
    as_json: _Json = False,
) -> None:
    """Propose a threshold from what the box heard and nearly heard, with the false wakes and misses to expect."""
    from edgevoice.commands.wakeword_tune import advise

    run_command(lambda: advise(config, folder, most_false_wakes=false_wakes, applies=apply, as_json=as_json))


@app.command()
def enrol(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Whose voice it is.", show_default=False)] = None,
    *,
    word: Annotated[
        str | None,
        typer.Option(
            "--word",
            metavar="WORD",
            help="For which wake word; without it, the first, or with --remove all of them.",
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FOLDER",
            help="Use recordings instead of the microphone: a folder positives with the wake word once in each of at "
            "least 3 files, and a folder negatives with at least 10 seconds of other speech.",
        ),
    ] = None,
    lists: Annotated[bool, typer.Option("--list", help="Show who is enrolled.")] = False,
    removed: Annotated[str | None, typer.Option("--remove", metavar="NAME", help="Forget this person's voice.")] = None,
    config: ConfigOption = None,
) -> None:
    """Learn the voice of somebody in the household: their calls are missed less often. No sound is kept.

    It asks for the wake word five times, then for 25 seconds of other talk. What it learned, and what --remove forgets,
    takes effect at the next start of the box.
    """
    from edgevoice.commands import wakeword_enrol as command

    if sum((name is not None, lists, removed is not None)) != 1:
        raise typer.BadParameter("give the NAME of a person, or --list, or --remove NAME")
    if removed is not None:
        run_command(lambda: command.remove(config, removed, word=word))
    elif name is not None:
        run_command(lambda: command.enrol(config, name, word=word, source=source))
    else:
        run_command(lambda: command.show(config))


@app.command()
def evaluate(
    folders: _Folders,
    *,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="PNG", help="Where to draw the DET curve.", show_default="wakeword-det.png"),
    ] = None,
    noises: Annotated[
        Path | None,
        typer.Option(
            "--noises", metavar="FOLDER", help="Recordings of noises, a folder for each kind, to mix with the calls."
        ),
    ] = None,
    rooms: Annotated[
        Path | None,
        typer.Option("--rooms", metavar="FOLDER", help="Measured room responses to apply to the calls."),
    ] = None,
    snr: Annotated[
        list[float] | None,
        typer.Option(
            "--snr",
            min=-20,
            max=60,
            metavar="DB",
            help="How far a noise is below the call; may be repeated.",
            show_default="10",
        ),
    ] = None,
    distance: Annotated[
        list[float] | None,
        typer.Option(
            "--distance",
            min=0.3,
            max=10,
            metavar="M",
            help="Speak from this far away in a simulated room; may be repeated.",
        ),
    ] = None,
    config: ConfigOption = None,
    as_json: _Json = False,
) -> None:
    """Count misses and false wakes over folders of recordings, at the configured thresholds and at others."""
    from edgevoice.commands.wakeword_evaluate import ConditionsAsked
    from edgevoice.commands.wakeword_evaluate import evaluate as command

    under = ConditionsAsked(noises, rooms, tuple(snr or (10.0,)), tuple(distance or ()))
    run_command(lambda: command(folders, config, under=under, picture=plot, as_json=as_json))
