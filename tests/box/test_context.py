"""What a box finds around it: its folders, swept, and in them what it remembers."""

import asyncio
from pathlib import Path

import pytest

from edgevoice.box.context import BoxContext, context_of
from edgevoice.echo.record import EchoRecord, write_record
from edgevoice.host.credentials import Key
from edgevoice.observers.announcement import Announced
from edgevoice.settings.schema import ServiceSettings, Settings, WakewordSettings

KEY = Key("secret", source="a test")
ELSEWHERE = Settings(service=ServiceSettings(url="wss://example.org/realtime"))


def found(folder: Path, settings: Settings = ELSEWHERE, key: Key | None = KEY) -> BoxContext:
    environment = {"STATE_DIRECTORY": str(folder / "state"), "CACHE_DIRECTORY": str(folder / "cache")}

    async def live() -> BoxContext:
        async with context_of(settings, key, environment) as context:
            return context

    return asyncio.run(live())


def test_what_killed_writers_have_left_in_either_folder_is_swept(tmp_path: Path) -> None:
    left = [tmp_path / folder / ".file.1.tmp" for folder in ("state", "cache")]
    for draft in left:
        draft.parent.mkdir()
        draft.touch()

    found(tmp_path)

    assert [draft.exists() for draft in left] == [False, False]


def test_the_box_remembers_in_its_state_folder_and_keeps_in_its_cache_what_it_can_make_again(tmp_path: Path) -> None:
    record = EchoRecord(tier="suppressor", microphone="mic", speaker="speaker", delay_ms=50.0)
    write_record(tmp_path / "state", record)

    storage = found(tmp_path).storage

    assert storage.record == record
    assert storage.cards == tmp_path / "state" / "cards.json"
    assert storage.sayings == tmp_path / "cache"
    assert storage.near_misses is not None
    assert storage.near_misses._folder == tmp_path / "state"
    assert not storage.near_misses.wants_sound
    assert storage.minutes is not None
    assert storage.minutes._ledger._file.parent == tmp_path / "state"


def test_clips_of_near_misses_are_kept_where_the_settings_ask_for_them(tmp_path: Path) -> None:
    settings = Settings(service=ELSEWHERE.service, wakeword=WakewordSettings(keep_near_misses=3))

    near_misses = found(tmp_path, settings).storage.near_misses

    assert near_misses is not None
    assert near_misses.wants_sound


@pytest.mark.parametrize(("key", "is_billed"), [(KEY, True), (None, False)], ids=repr)
def test_minutes_are_counted_only_where_they_are_billed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: Key | None, *, is_billed: bool
) -> None:
    monkeypatch.setattr("edgevoice.box.answering.LocalServiceProcess.ensure", nothing)

    context = found(tmp_path, Settings(), key)

    assert (context.storage.minutes is not None) is is_billed
    assert [type(each) for each in context.observers] == ([] if is_billed else [Announced])


async def nothing(_process: object) -> None:
    """Start no service."""
