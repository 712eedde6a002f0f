"""`edgevoice panel`: the running box's lights in a terminal, a picture of them, and a walk through the wiring."""

from pathlib import Path
from typing import Annotated

import typer

from edgevoice.commands.commandline import group
from edgevoice.commands.config import ConfigOption
from edgevoice.commands.outcome import run_command
from edgevoice.errors import StorageUnavailable

app = group("The lights and the buttons.")


@app.callback(invoke_without_command=True)
def panel(
    context: typer.Context,
    *,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Draw what every state looks like, and end.")
    ] = None,
    socket: Annotated[
        Path | None, typer.Option("--socket", metavar="PATH", help="The box's control socket, as for `ctl`.")
    ] = None,
) -> None:
    """Show the lights of the running box, and take keys in place of its buttons."""
    if context.invoked_subcommand is not None:
        return
    if svg is not None:
        from edgevoice.panel.picture import panel_svg

        picture = svg

        def draw() -> int:
            try:
                picture.write_text(panel_svg(), encoding="utf-8")
            except OSError as error:
                raise StorageUnavailable.of(f"{picture} cannot be written", error) from error
            return 0

        run_command(draw)
    from edgevoice.commands.panel_screen import watch

    run_command(lambda: watch(socket))


@app.command("dark")
def turn_off(*, config: ConfigOption = None) -> None:
    """Turn off lights that a box left on when it was killed. The box must not run."""
    import os

    from edgevoice.panel.opening import darken
    from edgevoice.settings.file import load

    def turn_all_off() -> int:
        darken(load(config, os.environ).settings.panel)
        return 0

    run_command(turn_all_off)


@app.command("test")
def walk_through(*, config: ConfigOption = None) -> None:
    """Walk through every light and every button of this box, and say which is wired wrong. The box must not run."""
    from edgevoice.commands.panel_walk import walk

    run_command(lambda: walk(config))
