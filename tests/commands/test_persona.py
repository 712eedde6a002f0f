import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edgevoice.commands.root import app
from edgevoice.personas.personas import NAME, Personas
from edgevoice.personas.state import Choice

Command = Callable[..., Result]
OWL = 'instructions = "Hoot."\nvoice = "Luna"\n'


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put settings in force in which personas are on, and one wake word has one."""
    file = tmp_path / "edgevoice.toml"
    file.write_text("[personas]\nenabled = true\n[wakeword.words]\nalexa = {persona = 'pirate'}\n")
    monkeypatch.setenv("EDGEVOICE_CONFIG", str(file))
    return file


@pytest.fixture
def command(tmp_path: Path) -> Command:
    folder = tmp_path / "state"
    folder.mkdir()
    return lambda *words, **more: CliRunner().invoke(app, ["persona", *words, "--folder", str(folder)], **more)


def chosen(folder: Path) -> dict[str, Choice]:
    async def look() -> dict[str, Choice]:
        async with Personas(folder / "state", is_read_only=True) as personas:
            return dict((await personas.shelf()).state.choices)

    return asyncio.run(look())


def test_what_ships_is_listed_and_shown_before_there_is_a_file_and_none_is_made(
    command: Command, tmp_path: Path
) -> None:
    listed = command("list")

    assert listed.exit_code == 0
    assert [line[2:].split()[0] for line in listed.stdout.splitlines()] == [
        "default",
        "pirate",
        "storyteller",
        "brief",
        "teacher",
    ]
    assert listed.stdout.startswith("* default        as [service] says\n  pirate\n")
    assert "old pirate captain" in command("show", "pirate").stdout
    assert command("show", "pirate", "--version", "0").stdout == command("show", "pirate").stdout
    assert command("show", "storyteller").stdout.endswith('speed = 0.9\n# tools = ["get_current_time"]\n')
    assert list((tmp_path / "state").iterdir()) == []


def test_a_draft_is_saved_listed_activated_and_undone(command: Command, tmp_path: Path) -> None:
    saved = command("draft", "owl", input=OWL)
    assert saved.stdout == "Saved as a draft. To put it in force: edgevoice persona activate owl\n"
    assert "  owl            a draft waits\n" in command("list").stdout
    assert 'instructions = "Hoot."\n' in command("show", "owl", "--draft").stdout

    activated = command("activate", "owl")
    assert activated.stdout == "owl, version 1, answers from the next conversation on.\n"
    assert chosen(tmp_path) == {"": Choice("owl")}
    assert "* owl            version 1\n" in command("list").stdout
    assert json.loads(command("list", "--json").stdout) == {
        "in_force": {"everywhere": {"persona": "owl", "voice": None, "speed": None}},
        "personas": {
            name: {"version": int(name == "owl"), "draft": False}
            for name in ("brief", "default", "owl", "pirate", "storyteller", "teacher")
        },
    }

    undone = command("undo")
    assert undone.stdout == "Undone. It answers as the settings say from the next conversation on.\n"
    assert chosen(tmp_path) == {}
    assert (command("undo").exit_code, command("undo").stderr) == (1, "There is nothing to undo.\n")
    assert command("activate", "owl", "--version", "1").exit_code == 0


def test_undo_names_who_answers_again(command: Command) -> None:
    command("activate", "pirate")
    command("activate", "brief")

    assert command("undo").stdout == "Undone. pirate answers from the next conversation on.\n"


def test_a_change_made_by_speaking_is_shown(command: Command, tmp_path: Path) -> None:
    async def speak() -> None:
        async with Personas(tmp_path / "state") as personas:
            await personas.change(
                lambda shelf: type(shelf.state)({"": Choice("pirate", "Luna", 0.8), "alexa": Choice("brief")})
            )

    asyncio.run(speak())

    assert command("list").stdout.splitlines()[-2:] == [
        "In force: pirate, with the voice Luna, at the speed 0.8",
        "After alexa: brief",
    ]


def test_a_wake_word_with_settings_of_its_own_is_changed_alone(command: Command, tmp_path: Path) -> None:
    changed = command("activate", "teacher", "--word", "alexa")

    assert changed.stdout == "teacher answers after alexa from the next conversation on.\n"
    assert chosen(tmp_path) == {"alexa": Choice("teacher")}
    assert command("undo", "--word", "alexa").exit_code == 0
    refused = command("activate", "teacher", "--word", "hey_jarvis")
    assert refused.exit_code == 1
    assert refused.stderr == (
        "the wake word hey_jarvis has no voice, instructions or persona of its own. "
        'Give it one: [wakeword.words] hey_jarvis = {persona = "pirate"}. Words that have one: alexa.\n'
    )


@pytest.mark.parametrize(
    ("words", "text", "complaint"),
    [
        (["activate", "owl"], "", "there is no persona owl. "),
        (["activate", "pirate", "--version", "9"], "", "there is no version 9 of the persona pirate. "),
        (["show", "owl"], "", "there is no persona 'owl'; there are default, pirate, "),
        (["show", "owl", "--draft"], "", "there is no draft of owl. "),
        (["show", "pirate", "--version", "3"], "", "there is no version 3 of the persona pirate. "),
        (["draft", "Owl!"], "", '"Owl!" cannot be the name of a persona. '),
        (["draft", "default"], OWL, "default is what [service] says, and cannot be changed here. "),
        (["draft", "owl"], "speed = 9", "persona owl: speed is 9; it must be between 0.5 and 1.5. "),
        (["draft", "owl"], "speed = ", "persona owl: line 1, "),
        (["draft", "owl"], "x" * 70_000, "persona owl: the text is larger than 64 KiB. "),
        (["remove", "Owl!", "--yes"], "", '"Owl!" cannot be the name of a persona. '),
    ],
)
def test_bad_input_is_one_clear_line_and_nothing_is_lost(
    command: Command, tmp_path: Path, words: list[str], text: str, complaint: str
) -> None:
    command("activate", "pirate")

    refused = command(*words, input=text)

    assert refused.exit_code == 1
    assert refused.stderr.startswith(complaint)
    assert refused.stderr.count("\n") == 1
    assert chosen(tmp_path) == {"": Choice("pirate")}


def test_bytes_that_are_no_text_are_refused_in_one_line(command: Command) -> None:
    refused = command("draft", "owl", input=b"instructions = '\xff'")

    assert refused.stderr.startswith("persona owl: line 1: a byte that is not UTF-8; save the file as UTF-8. ")


def test_a_draft_is_dropped_and_a_persona_removed(command: Command, tmp_path: Path) -> None:
    assert command("remove", "owl").stdout == "There is nothing of owl to remove.\n"
    assert command("draft", "owl", "--drop").stdout == "There is no draft of owl.\n"
    command("draft", "owl", input=OWL)
    assert command("draft", "owl", "--drop").stdout == "The draft of owl is removed.\n"
    assert command("draft", "owl", "--drop").stdout == "There is no draft of owl.\n"
    command("draft", "pirate", input=OWL)
    command("activate", "pirate")
    assert command("remove", "pirate", input="n\n").exit_code == 1
    assert command("remove", "pirate", input="y\n").stdout.endswith("pirate is as it ships.\n")
    for unchanged in ("owl", "pirate"):  # one that nobody has made, and one that ships as it is
        assert command("remove", unchanged, "--yes").stdout == f"There is nothing of {unchanged} to remove.\n"
    assert chosen(tmp_path) == {}
    command("draft", "owl", input=OWL)
    assert command("remove", "owl", "--yes").stdout == "owl is removed.\n"


def test_a_command_says_if_personas_are_off(command: Command, settings: Path) -> None:
    settings.write_text("")

    assert command("activate", "pirate").stderr == (
        "Personas are off: set personas.enabled = true in the settings, then restart the box.\n"
    )
    settings.write_text("[personas]\nnonsense = 3\n")
    assert (command("activate", "brief").exit_code, command("activate", "brief").stderr) == (0, "")


def test_a_damaged_file_is_said_in_one_line(command: Command, tmp_path: Path) -> None:
    (tmp_path / "state" / NAME).write_bytes(b"not a database" * 1000)

    shown = command("list")
    changed = command("activate", "pirate")

    assert shown.exit_code == 1
    assert f"{NAME} is damaged. At its next start the box keeps it under another name" in shown.stderr
    assert changed.exit_code == 0
    assert f"{NAME} is damaged; it is kept as {NAME}.damaged-" in changed.stderr


# --- the editor -------------------------------------------------------------------------------------------------------


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a shell script the editor, whose file is $1; drafts of texts go to a folder of their own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv("VISUAL", raising=False)

    def use(script: str) -> None:
        (tmp_path / "editor").write_text(script)
        monkeypatch.setenv("EDITOR", f"sh {tmp_path}/editor")

    return use


def left(folder: Path) -> list[str]:
    return [each.read_text() for each in folder.glob("persona-*.toml")]


def test_an_edited_persona_is_a_draft(command: Command, editor: Callable[[str], None], tmp_path: Path) -> None:
    editor("sed -i 's/pirate captain/pirate queen/' \"$1\"")

    edited = command("edit", "pirate")

    assert edited.stdout == "Saved as a draft. To put it in force: edgevoice persona activate pirate\n"
    assert "pirate queen" in command("show", "pirate", "--draft").stdout
    assert "pirate captain" in command("show", "pirate").stdout
    editor("sed -i 's/pirate queen/pirate king/' \"$1\"")
    assert command("edit", "pirate").exit_code == 0
    assert "pirate king" in command("show", "pirate", "--draft").stdout
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("script", "said"), [("true", "Nothing is changed.\n"), (': >"$1"', "Nothing is saved: the text is empty.\n")]
)
def test_an_unchanged_or_emptied_text_saves_nothing(
    command: Command, editor: Callable[[str], None], tmp_path: Path, script: str, said: str
) -> None:
    editor(script)

    assert (command("edit", "owl").stdout, command("edit", "owl").exit_code) == (said, 0)
    assert left(tmp_path) == []
    assert list((tmp_path / "state").iterdir()) == []


def test_a_text_that_is_refused_can_be_edited_again(
    command: Command, editor: Callable[[str], None], tmp_path: Path
) -> None:
    script = 'if grep -q "speed = 9" "$1"; then echo "speed = 0.9" >"$1"; else echo "speed = 9" >"$1"; fi'
    editor(script)

    edited = command("edit", "owl", input="y\n")

    assert edited.exit_code == 0
    assert "persona owl: speed is 9; it must be between 0.5 and 1.5\n" in edited.stderr
    assert "speed = 0.9\n" in command("show", "owl", "--draft").stdout
    assert left(tmp_path) == []


def test_who_gives_up_finds_the_text_in_a_file(command: Command, editor: Callable[[str], None], tmp_path: Path) -> None:
    editor('echo "speed = 9" >"$1"')

    edited = command("edit", "owl", input="n\n")

    assert edited.exit_code == 1
    assert f"Your text is in {tmp_path}/persona-owl-" in edited.stderr
    assert left(tmp_path) == ["speed = 9\n"]


@pytest.mark.parametrize(
    ("script", "complaint"),
    [("exit 3", "sh ended with the status 3. Nothing is saved."), (None, "/nowhere cannot be started: No such file")],
)
def test_an_editor_that_fails_is_one_line(
    command: Command,
    editor: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    script: str | None,
    complaint: str,
) -> None:
    editor(script or "")
    if script is None:
        monkeypatch.setenv("VISUAL", "/nowhere")

    failed = command("edit", "owl")

    assert failed.exit_code == 1
    assert failed.stderr.startswith(complaint)


def test_without_an_editor_the_remedy_names_the_variable(
    command: Command, editor: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    editor("")
    monkeypatch.setenv("EDITOR", " ")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command("edit", "owl").stderr == (
        "there is no editor. Name one in EDITOR: EDITOR=nano edgevoice persona edit NAME.\n"
    )
    (tmp_path / "nano").write_text("#!/bin/sh\necho 'speed = 0.9' >\"$1\"\n")
    (tmp_path / "nano").chmod(0o755)

    assert command("edit", "owl").exit_code == 0


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """Return a command that keeps the drafts of the box in a folder, as the installed one does."""
    script = tmp_path / "box"
    script.write_text(
        f"""#!/bin/sh
cd {tmp_path}
case "$2 $4" in
"show --draft") cat "$3.draft" ;;
"show ") cat "$3.toml" || {{ echo "there is no persona $3. List them." >&2; exit 1; }} ;;
"draft ") if [ -e full ]; then echo "the disk is full. Free some." >&2; exit 1; fi; cat >"$3.draft" ;;
esac
"""
    )
    script.chmod(0o755)
    return script


def test_an_installed_box_lends_the_text_to_the_persons_own_editor(
    command: Command, editor: Callable[[str], None], tmp_path: Path, box: Path
) -> None:
    editor("echo 'speed = 0.9' >\"$1\"")

    assert command("edit", "owl", "--through", str(box)).exit_code == 0
    assert "speed = 0.9\n" in (tmp_path / "owl.draft").read_text()
    editor("grep -q 'speed = 0.9' \"$1\" && echo 'speed = 0.8' >\"$1\"")
    assert command("edit", "owl", "--through", str(box)).exit_code == 0
    assert "speed = 0.8\n" in (tmp_path / "owl.draft").read_text()


def test_what_the_box_refuses_is_said_and_the_text_kept(
    command: Command, editor: Callable[[str], None], tmp_path: Path, box: Path
) -> None:
    (tmp_path / "full").touch()
    editor("echo 'speed = 0.9' >\"$1\"")

    refused = command("edit", "owl", "--through", str(box))

    assert refused.exit_code == 1
    assert refused.stderr.startswith("the disk is full. Free some.\nYour text is in ")
    assert left(tmp_path) == ["speed = 0.9\n"]


def test_a_box_that_does_not_answer_opens_no_editor(
    command: Command, editor: Callable[[str], None], tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho 'sudo: you may not' >&2\nexit 1\n")
    broken.chmod(0o755)
    editor('touch "$1.opened"')

    refused = command("edit", "owl", "--through", str(broken))

    assert (refused.exit_code, refused.stderr) == (1, "sudo: you may not\n")
    assert not list(tmp_path.glob("*.opened"))


def test_the_text_of_the_editor_is_private(command: Command, editor: Callable[[str], None], tmp_path: Path) -> None:
    editor(f'stat -c %a "$1" >{tmp_path}/mode')

    command("edit", "owl")

    assert (tmp_path / "mode").read_text() == "600\n"
