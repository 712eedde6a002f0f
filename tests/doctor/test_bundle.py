import json
import stat
import tarfile
from pathlib import Path

import pytest

from edgevoice.doctor.bundle import BundleNotWritten, require_place, scrub, write_bundle
from edgevoice.doctor.findings import fine, wrong
from tests.doctor.machines import machine

SECRET = "c2VjcmV0OmtleS10aGF0LW5vYm9keS1tYXktc2Vl"
FINDINGS = [fine("disk", "5 GB"), wrong("session", f"refused {SECRET}", "Copy the key again.")]

SETTINGS = """\
[service]
url = "wss://example.org/realtime?key=hidden-in-the-address&model=x"
instructions = "Our cat is called Mimi."
provider_data = {stt = {user = "Anna"}}
key_file = "/home/anna/key"
[speaker]
volume_percent = 33
[memory]
enabled = true
[grading]
judge_url = "https://judge.example.org/v1?pass=judged-in-secret"
judge_model = "x"
[mcp.servers.code]
command = "npx"
args = ["-y", "server-code", "--pat", "ghp_0123456789"]
[mcp.servers.mail]
url = "https://mail.example.org/s/token-in-the-path"
[tools.http.weather]
url = "https://weather.example.org/?appid=weather-id"
description = "Say what the weather is."
"""

JOURNAL = f"""\
2026-11-22T10:00:00 edgevoice[1]: link-lost code=key-refused - Basic {SECRET}
2026-11-22T10:00:01 edgevoice[1]: dialled 203.0.113.9 from b8:27:eb:01:02:03 via fe80::ba27:ebff:fe01:203
2026-11-22T10:00:02 edgevoice[1]: sk-abcdefghijklmnop in /home/anna/x
2026-11-22T10:00:03 edgevoice[1]: link-lost code=key-refused - {SECRET[:6]}****{SECRET[-4:]} of that-nobody-may-see
"""


@pytest.fixture
def bundle(tmp_path: Path) -> dict[str, str]:
    """Return the files of an archive of a machine with secrets all over it."""
    settings = tmp_path / "edgevoice.toml"
    settings.write_text(SETTINGS, encoding="utf-8")
    files = {
        "/proc/asound/cards": " 0 [sndrpigooglevoi]: RPi-simple - snd_rpi_googlevoicehat_soundcard\n",
        "/proc/asound/card0/pcm0c/sub0/hw_params": "rate: 48000 (48000/1)\n",
        "/proc/modules": "snd_soc_wm8960 16384 0 - Live 0x0000000000000000\n",
        "/boot/firmware/config.txt": "# my password is 1234\ndtoverlay=googlevoicehat-soundcard\narm_64bit=1\n",
    }
    there = machine(tmp_path / "root", files, {"journalctl -u edgevoice.service": JOURNAL})
    environment = {"EDGEVOICE_API_KEY": SECRET, "HOME": "/home/anna"}
    write_bundle(tmp_path / "out.tar.gz", FINDINGS, settings, environment, there)
    assert stat.S_IMODE((tmp_path / "out.tar.gz").stat().st_mode) == 0o600
    with tarfile.open(tmp_path / "out.tar.gz") as archive:
        return {
            name.removeprefix("edgevoice-doctor/"): file.read().decode()
            for name in archive.getnames()
            if (file := archive.extractfile(name)) is not None
        }


def test_the_archive_contains_the_findings_and_a_description_of_the_machine(bundle: dict[str, str]) -> None:
    assert json.loads(bundle["doctor.json"])[1]["remedy"] == "Copy the key again."
    assert "sndrpigooglevoi" in bundle["files/proc/asound/cards"]
    assert "48000" in bundle["files/proc/asound/card0/pcm0c/sub0/hw_params"]
    assert bundle["files/boot/firmware/config.txt"] == "dtoverlay=googlevoicehat-soundcard"
    assert "snd_soc_wm8960" in bundle["files/proc/modules"]
    assert "websockets" in bundle["versions.txt"]
    assert "link-lost code=key-refused" in bundle["journal.txt"]
    told = json.loads(bundle["settings.json"])
    assert told["speaker.volume_percent"] == {"value": 33, "changed": True}
    assert told["service.voice"] == {"value": "Sarah", "changed": False}


@pytest.mark.parametrize(
    "secret",
    [
        SECRET,
        "hidden-in-the-address",
        "Mimi",
        "Anna",
        "/home/anna",
        "1234",
        "203.0.113.9",
        "b8:27:eb",
        "fe80::ba27",
        "sk-abc",
        SECRET[:6],
        SECRET[-4:],
        "that-nobody-may-see",
        "ghp_0123456789",
        "token-in-the-path",
        "weather-id",
        "judged-in-secret",
    ],
)
def test_the_archive_contains_nothing_private(bundle: dict[str, str], secret: str) -> None:
    assert [name for name, text in bundle.items() if secret in text] == []


def test_the_examples_of_our_own_settings_are_not_hidden() -> None:
    text = "edgevoice 0.3.0\nopenwakeword 0.4.0\nlgpio 0.2.2.0\nat 127.0.0.1:8080, 10:15:02 and inworld/inworld-stt-1"

    assert scrub(text, {}) == text


def test_a_place_at_which_no_archive_can_be_is_refused_before_the_checks(tmp_path: Path) -> None:
    (tmp_path / "out.tar.gz").touch()

    require_place(tmp_path / "free.tar.gz")
    with pytest.raises(BundleNotWritten, match=r"out\.tar\.gz cannot be written: File exists$"):
        require_place(tmp_path / "out.tar.gz")
    with pytest.raises(BundleNotWritten, match=r"cannot be written: .*/nowhere is not a folder$"):
        require_place(tmp_path / "nowhere" / "out.tar.gz")


def test_an_existing_file_is_kept_and_invalid_settings_do_no_harm(tmp_path: Path) -> None:
    place = tmp_path / "out.tar.gz"
    place.write_text("mine", encoding="utf-8")
    with pytest.raises(BundleNotWritten, match="File exists"):
        write_bundle(place, FINDINGS, tmp_path / "none.toml", {}, machine(tmp_path / "root"))
    assert place.read_text(encoding="utf-8") == "mine"

    write_bundle(tmp_path / "other.tar.gz", FINDINGS, tmp_path / "none.toml", {}, machine(tmp_path / "root"))
    with tarfile.open(tmp_path / "other.tar.gz") as archive:
        assert "edgevoice-doctor/doctor.json" in archive.getnames()
