"""The settings on the page are those of the file, without a key, and written by whoever may write them."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgevoice.page import settings_file
from edgevoice.page.settings_file import SettingsFile, read_text
from edgevoice.page.settings_text import ChangeRefused
from edgevoice.page.settings_writer import carry_out
from edgevoice.settings.catalogue import ENTRIES, HIDDEN

NOWHERE = Path("/nonexistent/settings.sock")
TEXT = """\
[service]
url = "wss://example.org/realtime?key=hunter2"
key_file = "/etc/secret/key"
voice = "Dennis"

[mcp.servers.files]
command = "serve"
args = ["--token", "hunter2"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "edgevoice.toml"
    place.write_text(TEXT)
    return place


def rows(shown: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for section in shown["sections"] for row in section["settings"]}


def test_every_setting_is_shown_and_no_secret_is_among_them(file: Path) -> None:
    shown = SettingsFile(file, NOWHERE).shown()
    found = rows(shown)

    assert found.keys() == ENTRIES.keys()
    assert "hunter2" not in json.dumps(shown)
    assert "/etc/secret" not in json.dumps(shown)
    assert {found[name]["value"] for name in ("service.url", "service.key_file", "mcp.servers")} == {HIDDEN}
    assert (found["service.voice"]["value"], found["service.voice"]["is_set"]) == ("Dennis", True)
    assert (found["service.speed"]["low"], found["service.speed"]["high"]) == (0.5, 1.5)
    assert found["echo.tier"]["choices"]
    assert shown["may_write"]


def test_the_error_lines_of_a_refused_file_are_shown(tmp_path: Path) -> None:
    file = tmp_path / "edgevoice.toml"
    file.write_text("[speaker]\nvolume_percent = 130\nlouder = true\n")

    shown = SettingsFile(file, NOWHERE).shown()

    assert [fault.partition(";")[0] for fault in shown["faults"]] == [
        "edgevoice.toml: speaker.volume_percent is 130",
        "edgevoice.toml: speaker.louder is not a setting",
    ]


def test_without_a_file_everything_is_the_default_and_nothing_can_be_changed() -> None:
    settings = SettingsFile(None, NOWHERE)

    assert rows(settings.shown())["service.voice"]["value"] == "Sarah"
    assert not settings.may_write
    assert "config init" in settings.check({"service.voice": "Dennis"})[0]


def test_what_we_may_write_is_written_here(file: Path) -> None:
    settings = SettingsFile(file, NOWHERE)
    (fault,) = settings.check({"service.speed": 9})

    assert "service.speed is 9" in fault
    assert settings.check({"service.speed": 1.2}) == ()
    asyncio.run(settings.write({"service.speed": 1.2}))
    assert "speed = 1.2\n" in file.read_text()


def writing(
    file: Path, monkeypatch: pytest.MonkeyPatch, answer: Callable[[bytes], bytes], changes: dict[str, Any]
) -> tuple[str, ...]:
    """Let another program write, which answers a request with ``answer``; return why it did not."""
    monkeypatch.setattr(settings_file, "_is_writable", lambda _path: False)
    place = file.parent / "settings.sock"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(await reader.readline()))
        writer.close()

    async def scene() -> None:
        async with await asyncio.start_unix_server(serve, place):
            await SettingsFile(file, place).write(changes)

    try:
        asyncio.run(scene())
    except ChangeRefused as refused:
        return refused.faults
    return ()


def test_what_we_may_not_write_the_writer_writes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(line: bytes) -> bytes:
        return json.dumps({"faults": carry_out(file, line)}).encode() + b"\n"

    assert writing(file, monkeypatch, answer, {"service.speed": 1.2}) == ()
    assert "speed = 1.2\n" in file.read_text()


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b'{"faults": ["the disk is full"]}\n', "the disk is full"),
        (b"", "does not answer"),
        (b"rubbish\n", "does not answer"),
        (b"[]\n", "does not answer"),
    ],
)
def test_a_writer_that_fails_is_a_refusal(
    file: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, fault: str
) -> None:
    assert fault in writing(file, monkeypatch, lambda _line: answer, {"service.speed": 1.2})[0]


def test_a_page_that_may_not_write_says_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_file, "_is_writable", lambda _path: False)

    with pytest.raises(ChangeRefused, match="the page may not write"):
        asyncio.run(SettingsFile(file, NOWHERE).write({"service.speed": 1.2}))


def test_a_full_disk_is_a_refusal(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(settings_file, "rewrite", refuse)

    with pytest.raises(ChangeRefused, match=r"edgevoice\.toml cannot be written: No space left on device"):
        asyncio.run(SettingsFile(file, NOWHERE).write({"service.speed": 1.2}))


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_a_refusal(tmp_path: Path, content: bytes | None) -> None:
    place = tmp_path / "edgevoice.toml"
    if content is not None:
        place.write_bytes(content)

    with pytest.raises(ChangeRefused, match=r"edgevoice\.toml: "):
        read_text(place)
