"""`edgevoice ctl`: ask the running box for something, or watch it."""

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from edgevoice.commands.commandline import group
from edgevoice.commands.outcome import run_command
from edgevoice.control.client import Client
from edgevoice.control.messages import LONGEST_SOUND_S, SOUND_HZ, QuietHours
from edgevoice.core.printable import printable
from edgevoice.errors import ControlUnavailable

app = group("Ask the running box for something, or watch it. Root, and members of the group edgevoice, may do so.")

_Socket = Annotated[
    Path | None,
    typer.Option(
        "--socket", metavar="PATH", help="The box's control socket; by default the service's, else your own box's."
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object on each line.")]

_NOISY = "too loud to tell speech from it: interrupt with the wake word or the button; `edgevoice status` says why"


def ask_box(socket: Path | None, ask: Callable[[Client], Awaitable[None]]) -> None:
    """Connect to the box and do something with it, as a command."""

    async def scene() -> None:
        async with Client(socket) as box:
            await ask(box)

    def command() -> int:
        try:
            asyncio.run(scene())
        except ControlUnavailable as error:
            # A box without a socket cannot be asked; its status file says why it has none.
            raise (socket is None and _socket_fault()) or error from None
        return 0

    run_command(command)


def _socket_fault() -> ControlUnavailable | None:
    """Return why the box that runs here has no control socket, if it says so."""
    from edgevoice.commands.status import newest_status
    from edgevoice.observers.status_file import Status

    status = newest_status(os.environ) or Status()
    for name, problem, remedy in status.failing():
        if name == "control":
            return ControlUnavailable(f"the box runs, but nothing can be asked of it: {problem}", remedy=remedy)
    return None


@app.command()
def status(*, socket: _Socket = None, as_json: _Json = False) -> None:
    """Show what the box is doing now; `edgevoice status` also shows one that does not run."""

    async def show(box: Client) -> None:
        found = await box.status()
        print(_as_json(found) if as_json else "\n".join(_sentences(found)))

    ask_box(socket, show)


@app.command()
def wake(
    word: Annotated[str, typer.Argument(metavar="WORD", help="One of several wake words, as in the settings.")] = "",
    *,
    socket: _Socket = None,
) -> None:
    """Do what the wake word does: listen, or interrupt the answer."""
    ask_box(socket, lambda box: box.wake(word))


@app.command()
def talk(*, socket: _Socket = None) -> None:
    """Do what a press of the talk button does: listen, interrupt the answer, or end listening."""
    ask_box(socket, lambda box: box.talk())


@app.command()
def stop(*, socket: _Socket = None) -> None:
    """Silence what sounds: the alarm, an announcement or the answer."""
    ask_box(socket, lambda box: box.stop())


@app.command("hang-up")
def hang_up(*, socket: _Socket = None) -> None:
    """End the conversation."""
    ask_box(socket, lambda box: box.hang_up())


@app.command()
def mute(*, socket: _Socket = None) -> None:
    """Mute the microphone."""
    ask_box(socket, lambda box: box.mute())


@app.command()
def unmute(*, socket: _Socket = None) -> None:
    """Let the microphone be heard again; refused unless control.may_unmute is set."""
    ask_box(socket, lambda box: box.unmute())


_UP_TO_100 = r"(\d{1,2}|100)"


@app.command(context_settings={"ignore_unknown_options": True})
def volume(
    percent: Annotated[
        str | None, typer.Argument(metavar="[+|-]PERCENT", help="The new volume, or by how much to change it.")
    ] = None,
    *,
    socket: _Socket = None,
) -> None:
    """Show the volume, set it (40), or change it (+10, -10)."""
    given = percent or ""
    if given and not re.fullmatch(rf"[+-]?{_UP_TO_100}", given, re.ASCII):
        raise typer.BadParameter(f"{given}: expected 0 to 100 percent, such as 40, or a change, such as +10 or -10")
    is_change = given[:1] in {"+", "-"}

    async def change(box: Client) -> None:
        number = int(given) if given else None
        now = await box.volume(percent=None if is_change else number, change=number if is_change else None)
        print(f"{now} %")

    ask_box(socket, change)


def _level(given: str) -> int:
    """Return a level as a person types it. Unlike with the volume, +10 would be 10 and no change: it is refused."""
    if not re.fullmatch(_UP_TO_100, given, re.ASCII):
        raise typer.BadParameter(f"{given}: expected 0 to 100 percent, such as 40")
    return int(given)


_Percent = Annotated[int | None, typer.Argument(parser=_level, metavar="PERCENT", help="0 to 100.")]


@app.command(context_settings={"ignore_unknown_options": True})
def earcons(percent: _Percent = None, *, socket: _Socket = None) -> None:
    """Show how loud the short sounds are, or set it, and with them what rings."""

    async def change(box: Client) -> None:
        print(f"{await box.earcons(percent=percent)} %")

    ask_box(socket, change)


@app.command(context_settings={"ignore_unknown_options": True})
def brightness(percent: _Percent = None, *, socket: _Socket = None) -> None:
    """Show how bright the lights are by day, or set it."""

    async def change(box: Client) -> None:
        print(f"{await box.brightness(percent=percent)} %")

    ask_box(socket, change)


@app.command()
def snooze(*, socket: _Socket = None) -> None:
    """Let what rings, or what rang last, ring again later."""
    ask_box(socket, lambda box: box.snooze())


_Name = Annotated[str | None, typer.Argument(metavar="NAME", help="Without a name: those that there are.")]


@app.command()
def persona(name: _Name = None, *, socket: _Socket = None) -> None:
    """Show who answers and who could, or choose."""

    async def choose(box: Client) -> None:
        found = await box.persona(name)
        print(_chosen(found["persona"], found["personas"]))

    ask_box(socket, choose)


@app.command()
def voice(name: _Name = None, *, socket: _Socket = None) -> None:
    """Show with which voice the box answers and which there are, or choose."""

    async def choose(box: Client) -> None:
        found = await box.voice(name)
        print(_chosen(found["voice"], found["voices"]))

    ask_box(socket, choose)


def _chosen(chosen: str, there: list[str]) -> str:
    lines = (printable(f"{'*' if each == chosen else ' '} {each}") for each in dict.fromkeys([chosen, *there]))
    return "\n".join(lines)


@app.command()
def reload(*, socket: _Socket = None) -> None:
    """Have the settings and the owner's tools read again."""

    async def read(box: Client) -> None:
        print(await box.reload() or "Everything is in force, service settings from the next session on.")

    ask_box(socket, read)


_Chime = Annotated[bool, typer.Option("--chime", help="A short sound first.")]
_Quiet = Annotated[
    QuietHours,
    typer.Option("--quiet-hours", help="Within quiet hours: speak all the same, wait for their end, or skip it."),
]


@app.command()
def say(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to say.")],
    *,
    chime: _Chime = False,
    quiet_hours: _Quiet = "speak",
    socket: _Socket = None,
) -> None:
    """Say a text, once no conversation is going on; it can be interrupted like an answer."""
    ask_box(socket, lambda box: _said(box.say(text, chime=chime, quiet_hours=quiet_hours)))


@app.command()
def ask(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The question.")],
    *,
    chime: _Chime = False,
    quiet_hours: _Quiet = "speak",
    socket: _Socket = None,
    as_json: _Json = False,
) -> None:
    """Ask a question aloud, listen without the wake word, and print what was understood and answered."""

    async def show(box: Client) -> None:
        found = await box.ask(text, chime=chime, quiet_hours=quiet_hours)
        if as_json:
            print(_as_json(found))
        else:
            print(f"understood: {printable(found['understood']) or '(nothing)'}")
            print(f"answered:   {printable(found['answered']) or '(nothing)'}")

    ask_box(socket, show)


@app.command()
def announce(
    what: Annotated[str, typer.Argument(metavar="FILE|TEXT", help="A recording (WAV, FLAC, Ogg) or a text.")],
    *,
    urgent: Annotated[bool, typer.Option("--urgent", help="End an answer that sounds.")] = False,
    no_chime: Annotated[bool, typer.Option("--no-chime", help="Without the short sound before it.")] = False,
    quiet_hours: _Quiet = "skip",
    socket: _Socket = None,
) -> None:
    """Announce a text or a recording of at most 60 s, after a short sound."""

    async def announce_it(box: Client) -> None:
        # Loaded only here: it needs NumPy.
        from edgevoice.wakeword.tuning.recordings import is_sound_file, sound_of

        is_file = is_sound_file(what)
        sound = sound_of(Path(what), rate_hz=SOUND_HZ, longest_s=LONGEST_SOUND_S).tobytes() if is_file else None
        await _said(
            box.announce(
                None if is_file else what,
                sound=sound,
                priority="urgent" if urgent else "normal",
                chime=not no_chime,
                quiet_hours=quiet_hours,
            )
        )

    ask_box(socket, announce_it)


async def _said(saying: Awaitable[dict[str, Any]]) -> None:
    found = await saying
    if found["outcome"] == "cut":
        print(f"It was interrupted after {found['heard_ms'] / 1000:.1f} s.")


@app.command()
def timers(*, socket: _Socket = None, as_json: _Json = False) -> None:
    """List the timers, alarms and reminders that are set; `edgevoice timers` and `edgevoice alarms` set them."""

    async def show(box: Client) -> None:
        found = await box.timers()
        if as_json:
            print(_as_json(found))
            return
        lines = [_described("timer", each) for each in found["timers"]]
        lines += [_described(str(each.get("kind", "alarm")), each) for each in found["alarms"]]
        print("\n".join(lines) or "Nothing is set.")

    ask_box(socket, show)


def _described(kind: str, fields: dict[str, Any]) -> str:
    shown = " ".join(f"{name}={_value(value)}" for name, value in fields.items() if name != "kind" and value != "")
    return printable(f"{kind}: {shown}")


@app.command()
def why(
    *,
    most: Annotated[int, typer.Option("--most", min=1, max=20, metavar="COUNT", help="How many to show.")] = 3,
    trail: Annotated[bool, typer.Option("--trail", help="Also what had happened before each.")] = False,
    socket: _Socket = None,
    as_json: _Json = False,
) -> None:
    """Show what failed last, why, and what to do about it; `edgevoice why` also asks a box that does not run."""

    async def show(box: Client) -> None:
        from edgevoice.commands.why import lines_of
        from edgevoice.observers.failures import Failure

        found = await box.why(most=most)
        if as_json:
            print(json.dumps({"failures": found}, ensure_ascii=False))
        else:
            failures = [failure for each in found if (failure := Failure.of(each)) is not None]
            print("\n".join(lines_of(failures, with_trail=trail)) or "Nothing has failed lately.")

    ask_box(socket, show)


@app.command()
def watch(
    *,
    words: Annotated[bool, typer.Option("--words", help="Also what is said, by both sides.")] = False,
    socket: _Socket = None,
    as_json: _Json = False,
) -> None:
    """Show what happens in the box until Ctrl-C: phases, lights, faults, tools. Never sound."""

    async def follow(box: Client) -> None:
        async for event in box.watch(words=words):
            print(_as_json(event) if as_json else _line(event), flush=True)

    ask_box(socket, follow)


def _as_json(reply: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in reply.items() if name not in {"id", "ok"}}, ensure_ascii=False)


def _line(event: dict[str, Any]) -> str:
    """Return an event as a line: the time of day, its name, and its fields."""
    time = str(event.get("at", ""))[11:23]
    name = str(event.get("event", ""))
    if name == "words":
        mark = "" if event.get("final") else " …"
        return f"{time}  {event.get('role', '')}: {printable(str(event.get('text', '')))}{mark}"
    told = {key: value for key, value in event.items() if key not in {"event", "at"}}
    fields = {key: value for key, value in told.items() if value is not None and value != ""}
    return f"{time}  {name} " + printable(" ".join(f"{key}={_value(value)}" for key, value in fields.items()))


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _sentences(found: dict[str, Any]) -> list[str]:
    fault = found.get("fault")
    lines = [f"Phase    {found['phase']}", f"Light    {found['light']}"]
    lines.append(f"Muted    {'yes' if found['muted'] else 'no'}")
    lines.append(f"Session  {'open' if found['session_open'] else 'closed'}")
    if found["noisy_room"]:
        lines.append(f"Room     {_NOISY}")
    lines.append(f"Volume   {found['volume_percent']} %")
    lines.append(f"Version  {found['version']}")
    if fault:
        lines.append(f"Fault    {fault['meaning']} ({fault['code']})\n         → {fault['remedy']}")
    for each in found.get("failing", []):
        lines.append(printable(f"Failing  {each['guest']}: {each['problem']}"))
        lines.append(printable(f"         → {each['remedy']}"))
    return lines
