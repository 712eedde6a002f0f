"""Which bytes are a settings file: the daemon, `config check` and the editor of scripts/setup agree."""

import codecs
import subprocess
import sys
from pathlib import Path

import pytest

from edgevoice.settings.file import SettingsRefused, load
from edgevoice.settings.text import NotText, decoded, lines_of

EDITOR = Path(__file__).parents[2] / "scripts" / "_settings.py"

TEXT = '# é\n[speaker]\nvolume_percent = 30 # loud\n\n[service]\nvoice = "Zoë"\n'

TAKEN = {
    "as Linux writes it": TEXT.encode(),
    "with a byte order mark": codecs.BOM_UTF8 + TEXT.encode(),
    "with the line ends of Windows": TEXT.replace("\n", "\r\n").encode(),
    "with mark and line ends of Windows": codecs.BOM_UTF8 + TEXT.replace("\n", "\r\n").encode(),
    "with the line ends of an old Mac": TEXT.replace("\n", "\r").encode(),
    "without an end of the last line": TEXT.rstrip("\n").encode(),
}

REFUSED = {
    "Latin-1": (TEXT.encode("latin-1"), "line 1: a byte that is not UTF-8; save the file as UTF-8"),
    "Windows-1252": (
        b'[service]\r\nvoice = "x" # \x80\r\n',
        "line 2: a byte that is not UTF-8; save the file as UTF-8",
    ),
    "UTF-16, little end first": (
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        "as in UTF-16; save the file as UTF-8",
    ),
    "UTF-16, big end first": (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "as in UTF-16; save the file as UTF-8"),
    "UTF-16 without a mark": (TEXT.encode("utf-16-le"), "as in UTF-16; save the file as UTF-8"),
    "UTF-32": (codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"), "as in UTF-32; save the file as UTF-8"),
}


def edited(file: Path, values: str) -> "subprocess.CompletedProcess[str]":
    wanted = file.with_name("values.toml")
    wanted.write_text(values, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-I", "-B", str(EDITOR), str(file), str(wanted)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


needs_editor = pytest.mark.skipif(not EDITOR.exists(), reason="scripts are not beside these tests: an installed copy")


@pytest.mark.parametrize("content", TAKEN.values(), ids=TAKEN)
def test_text_is_read_with_any_line_endings(content: bytes) -> None:
    assert decoded(content).rstrip("\n") == TEXT.rstrip("\n")


@pytest.mark.parametrize(("content", "complaint"), REFUSED.values(), ids=REFUSED)
def test_another_encoding_is_refused_with_its_name_and_line(content: bytes, complaint: str) -> None:
    with pytest.raises(NotText) as refused:
        decoded(content)
    assert str(refused.value).endswith(complaint)


@needs_editor
@pytest.mark.parametrize("content", TAKEN.values(), ids=TAKEN)
def test_files_that_the_box_accepts_can_be_edited_by_setup_and_stay_valid(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "edgevoice.toml"
    file.write_bytes(content)
    assert load(file, {}).settings.speaker.volume_percent == 30

    done = edited(file, "[speaker]\nvolume_percent = 50\n[amplifier]\nmute_gpio = 5\n")

    assert (done.returncode, done.stderr) == (0, "")
    after = load(file, {}).settings
    assert (after.speaker.volume_percent, after.amplifier.mute_gpio, after.service.voice) == (50, 5, "Zoë")
    assert (b"\r\n" in file.read_bytes()) == (b"\r\n" in content)
    assert file.read_bytes().count(b"\n") == file.read_bytes().count(b"\r\n") or b"\r\n" not in content


@needs_editor
@pytest.mark.parametrize(("content", "complaint"), REFUSED.values(), ids=REFUSED)
def test_setup_refuses_what_the_box_refuses_with_the_same_message(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    file = tmp_path / "edgevoice.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsRefused) as refused:
        load(file, {})

    done = edited(file, "[speaker]\nvolume_percent = 50\n")

    assert str(refused.value).endswith(complaint)
    assert done.returncode == 1
    assert done.stderr.strip().endswith(str(refused.value).removeprefix("edgevoice.toml: "))
    assert file.read_bytes() == content


# --- line numbers ----------------------------------------------------------------------------------------------------


def test_every_name_has_the_line_of_its_first_appearance() -> None:
    text = (
        '\n# [speaker]\n[speaker]\nvolume_percent = 30\ndevice = """\nvolume_percent = 1\n"""\nearcon_percent = 4\n'
        "[tools]\nenabled = [\n  'a',\n]\ntimeout_s = 5\n[wakeword.words.alexa]\nthreshold = 0.6\n"
    )

    lines = lines_of(text)

    assert lines[("speaker",)] == 3
    assert lines["speaker", "volume_percent"] == 4
    assert lines["speaker", "device"] == 5
    assert lines["speaker", "earcon_percent"] == 8
    assert (lines["tools", "enabled"], lines["tools", "timeout_s"]) == (10, 13)
    assert (lines["wakeword", "words"], lines["wakeword", "words", "alexa", "threshold"]) == (14, 15)


def test_names_without_a_header_have_lines_too() -> None:
    assert lines_of('x.y = 1\n"a b".c = {d = 1, e = 2}\n') == {("x",): 1, ("x", "y"): 1, ("a b",): 2, ("a b", "c"): 2}


def test_after_an_overlong_value_lines_are_unknown_and_no_time_is_lost() -> None:
    text = "a = 1\nb = [\n" + "1,\n" * 5000 + "]\nc = 2\n"

    assert lines_of(text) == {("a",): 1}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[speaker]\n\nvolume_percent = 101", "(line 3)"),
        ("[speaker]\n# x\nvolum = 1", "(line 3)"),
        ("\n[speakers]\nvolume_percent = 1", "(line 2)"),
        ("\nspeaker = 1", "(line 2)"),
        ("\n\nvolume_percent = 1", "(line 3)"),
        ("[wakeword]\nrefractory_s = 1\nthreshold = 0.9", "(line 3)"),
        ('[panel]\nkind = "gpio"\n[amplifier]\nmute_gpio = 17', "(line 4)"),
        ("[wakeword.words.alexa]\nthreshold = 2", "(line 1)"),
    ],
)
def test_errors_are_reported_with_their_line(tmp_path: Path, text: str, where: str) -> None:
    file = tmp_path / "edgevoice.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(SettingsRefused) as refused:
        load(file, {})
    (fault,) = refused.value.faults
    assert fault.endswith(where)


def test_errors_in_a_variable_have_no_line(tmp_path: Path) -> None:
    file = tmp_path / "edgevoice.toml"
    file.write_text("[speaker]\nvolume_percent = 30", encoding="utf-8")

    with pytest.raises(SettingsRefused) as refused:
        load(file, {"EDGEVOICE_SPEAKER_VOLUME_PERCENT": "101", "EDGEVOICE_WAKEWORD_THRESHOLD": "0.9"})
    assert not [fault for fault in refused.value.faults if "(line" in fault]
