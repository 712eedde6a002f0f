"""A box's surroundings: its folders, cleaned up, and the memory in them."""

import asyncio
from pathlib import Path

import pytest
from msgspec import structs

from edgevoice.box.context import BoxContext, context_of, kept_panel_of
from edgevoice.box.resting import Resting
from edgevoice.box.tool_files import ToolFiles
from edgevoice.echo.record import EchoRecord, write_record
from edgevoice.host.credentials import Key
from edgevoice.memory.forgetting import Forgetting
from edgevoice.memory.memory import NAME
from edgevoice.memory.recorder import Recorder
from edgevoice.observers.announcement import Announced
from edgevoice.observers.kept_panel import FILE_NAME
from edgevoice.personas import personas
from edgevoice.settings.assistant import MemorySettings, PersonasSettings, ToolsSettings, TranscriptSettings
from edgevoice.settings.panel import PanelSettings
from edgevoice.settings.schema import Settings
from edgevoice.settings.service import ServiceSettings
from edgevoice.settings.wakeword import WakewordSettings
from tests.waiting import eventually

KEY = Key("secret", source="a test")
ELSEWHERE = Settings(service=ServiceSettings(url="wss://example.org/realtime"))
CHANGES = Settings(service=ELSEWHERE.service, personas=PersonasSettings(enabled=True))
REMEMBERS = Settings(service=ELSEWHERE.service, memory=MemorySettings(enabled=True))


def found(folder: Path, settings: Settings = ELSEWHERE, key: Key | None = KEY) -> BoxContext:
    environment = {"STATE_DIRECTORY": str(folder / "state"), "CACHE_DIRECTORY": str(folder / "cache")}

    async def live() -> BoxContext:
        async with context_of(settings, key, environment) as context:
            return context

    return asyncio.run(live())


@pytest.mark.parametrize(
    ("panel", "is_kept"),
    [
        (PanelSettings(), True),
        (PanelSettings(mute_is_switch=True), False),
        (PanelSettings(mute_is_switch=True, mute_button_gpio="none"), True),
        (PanelSettings(mute_is_switch=True, kind="none"), True),
    ],
)
def test_only_a_switch_that_is_wired_decides_itself_whether_the_box_is_muted(
    tmp_path: Path, panel: PanelSettings, *, is_kept: bool
) -> None:
    (tmp_path / FILE_NAME).write_text('{"is_muted": true}')

    assert kept_panel_of(Settings(panel=panel), tmp_path).is_muted is is_kept


def test_files_left_by_killed_writers_are_removed_from_both_folders(tmp_path: Path) -> None:
    left = [tmp_path / folder / ".file.1.tmp" for folder in ("state", "cache")]
    for draft in left:
        draft.parent.mkdir()
        draft.touch()

    found(tmp_path)

    assert [draft.exists() for draft in left] == [False, False]


def test_state_goes_to_the_state_folder_and_reproducible_files_to_the_cache(tmp_path: Path) -> None:
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


def test_clips_of_near_misses_are_kept_if_the_settings_ask_for_them(tmp_path: Path) -> None:
    settings = Settings(service=ELSEWHERE.service, wakeword=WakewordSettings(keep_near_misses=3))

    near_misses = found(tmp_path, settings).storage.near_misses

    assert near_misses is not None
    assert near_misses.wants_sound


@pytest.mark.parametrize(("key", "is_billed"), [(KEY, True), (None, False)], ids=repr)
def test_minutes_are_counted_only_if_they_are_billed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: Key | None, *, is_billed: bool
) -> None:
    monkeypatch.setattr("edgevoice.box.answering.LocalServiceProcess.ensure", nothing)

    context = found(tmp_path, Settings(), key)

    assert (context.storage.minutes is not None) is is_billed
    assert [type(each) for each in context.observers] == ([] if is_billed else [Announced, Resting]) + [ToolFiles]


async def nothing(_process: object) -> None:
    """Start no service."""


def test_nothing_of_conversations_is_kept_by_default(tmp_path: Path) -> None:
    assert found(tmp_path).storage.remembering is None
    assert not (tmp_path / "state" / NAME).exists()


def test_a_box_that_remembers_does_so_in_its_state_folder(tmp_path: Path) -> None:
    remembering = found(tmp_path, REMEMBERS).storage.remembering

    assert remembering is not None
    assert {function.__name__ for function in remembering.functions()} >= {"remember", "forget", "search_memory"}
    assert (tmp_path / "state" / NAME).exists()


def test_an_unwritable_disk_disables_the_memory_and_not_the_box(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / NAME).mkdir()

    assert found(tmp_path, REMEMBERS).storage.remembering is None

    assert "memory-unavailable" in caplog.text


TRANSCRIBES = structs.replace(ELSEWHERE, transcript=TranscriptSettings(keep_days=30))


def test_conversations_are_written_down_only_if_the_settings_give_them_days(tmp_path: Path) -> None:
    kept = found(tmp_path, TRANSCRIBES)

    assert kept.storage.remembering is None
    assert [type(each) for each in kept.observers] == [Recorder, Forgetting, ToolFiles]
    assert (tmp_path / "state" / NAME).exists()


def test_with_a_memory_words_are_written_once_and_kept_for_the_longer_time(tmp_path: Path) -> None:
    memory = MemorySettings(enabled=True, days=10)
    kept = found(tmp_path, structs.replace(TRANSCRIBES, memory=memory))

    assert [type(each) for each in kept.observers] == [ToolFiles]
    assert kept.storage.remembering is not None
    assert kept.storage.remembering._memory is not None
    assert (kept.storage.remembering._memory._days, kept.storage.remembering._memory._recall_days) == (30, 10)


def test_an_unwritable_disk_disables_transcripts_and_not_the_box(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state" / NAME).mkdir(parents=True)

    assert [type(each) for each in found(tmp_path, TRANSCRIBES).observers] == [ToolFiles]

    assert "transcripts-unavailable" in caplog.text


def test_a_damaged_file_is_set_aside_and_conversations_are_written_down(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / NAME).write_bytes(b"not a database" * 1000)

    assert [type(each) for each in found(tmp_path, TRANSCRIBES).observers] == [Recorder, Forgetting, ToolFiles]

    assert "memory-damaged" in caplog.text


def test_a_box_has_no_personas_by_default(tmp_path: Path) -> None:
    assert found(tmp_path).storage.speaking is None
    assert not (tmp_path / "state" / personas.NAME).exists()


def test_personas_are_kept_in_the_state_folder_and_a_word_with_settings_of_its_own_has_its_own(tmp_path: Path) -> None:
    words = {"alexa": {"voice": "Mark"}, "hey_jarvis": {"threshold": 0.6}, "computer": {"persona": "pirate"}}
    settings = structs.replace(CHANGES, wakeword=WakewordSettings(words=words))

    speaking = found(tmp_path, settings).storage.speaking

    assert speaking is not None
    assert speaking._words == {"alexa": "default", "computer": "pirate"}
    assert (tmp_path / "state" / personas.NAME).exists()


def test_an_unwritable_disk_disables_the_personas_and_not_the_box(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state" / personas.NAME).mkdir(parents=True)

    assert found(tmp_path, CHANGES).storage.speaking is None

    assert "personas-unavailable" in caplog.text


def test_the_owners_tools_are_read_once_the_box_runs_and_again_on_reload(tmp_path: Path) -> None:
    settings = Settings(service=ELSEWHERE.service, tools=ToolsSettings(folder=str(tmp_path / "tools")))
    (tmp_path / "tools").mkdir(mode=0o755)
    file = tmp_path / "tools" / "plants.py"
    tool = 'from edgevoice import tool\n@tool\ndef {0}() -> None:\n    "Do it."\n'

    async def run() -> list[list[str]]:
        files = found_files()
        offered: list[list[str]] = []
        files.source.on_change(lambda: offered.append([each.definition.name for each in files.source.tools()]))
        file.write_text(tool.format("water"))
        file.chmod(0o644)
        running = asyncio.create_task(files.run(lambda _fact: None))
        await eventually(lambda: len(offered) == 1)
        file.write_text(tool.format("fertilise"))
        files.reload()
        await eventually(lambda: len(offered) == 2)
        running.cancel()
        return offered

    def found_files() -> ToolFiles:
        [files] = [each for each in context.observers if isinstance(each, ToolFiles)]
        return files

    context = found(tmp_path, settings)

    assert asyncio.run(run()) == [["water"], ["fertilise"]]
