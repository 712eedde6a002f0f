"""Mute and volume survive a restart."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from edgevoice.core.facts import Event
from edgevoice.core.notices import Notice
from edgevoice.core.orders import Earcon, MuteMicrophone, PlayEarcon, UnmuteMicrophone
from edgevoice.core.panel_facts import BrightnessSet, EarconVolumeSet, MuteSwitched, VolumeChanged
from edgevoice.observers import kept_panel
from edgevoice.observers.kept_panel import FILE_NAME, UNMUTE_REMEDY, KeptPanel, PanelLevels
from edgevoice.store.files import write_whole
from tests.waiting import eventually

LEVELS = PanelLevels(volume=70, earcons=40, brightness=100)


def run(panel: KeptPanel, *notices: Notice, until: Callable[[], bool] = lambda: True) -> list[Event]:
    """Run the observer while it sees these notices; return what it reported."""
    reported: list[Event] = []

    async def scene() -> None:
        task = asyncio.create_task(panel.run(reported.append))
        await asyncio.sleep(0)
        for notice in notices:
            panel.observe(notice, 0.0)
        await eventually(until)
        assert not task.done()
        task.cancel()

    asyncio.run(scene())
    return reported


def has(folder: Path, content: bytes) -> Callable[[], bool]:
    file = folder / FILE_NAME
    return lambda: file.exists() and content in file.read_bytes()


def test_a_muted_box_is_muted_again_after_a_restart(tmp_path: Path) -> None:
    assert run(KeptPanel(tmp_path, LEVELS), MuteMicrophone(), until=has(tmp_path, b'"is_muted":true')) == []

    muted = [MuteSwitched(is_muted=True)]
    assert run(KeptPanel(tmp_path, LEVELS)) == muted
    assert run(KeptPanel(tmp_path, LEVELS), UnmuteMicrophone(), until=has(tmp_path, b'"is_muted":false')) == muted
    assert run(KeptPanel(tmp_path, LEVELS)) == []


def test_what_is_set_in_the_moment_in_which_the_box_stops_is_kept(tmp_path: Path) -> None:
    run(KeptPanel(tmp_path, LEVELS), VolumeChanged(35), MuteMicrophone())

    after = KeptPanel(tmp_path, LEVELS)
    assert (after.is_muted, after.levels.volume) == (True, 35)


def test_a_change_while_an_earlier_one_is_being_written_is_the_one_that_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, may_go_on = threading.Event(), threading.Event()

    def write_slowly(path: Path, content: bytes, *, is_durable: bool) -> None:
        if not began.is_set():
            began.set()
            may_go_on.wait(10)
        write_whole(path, content, is_durable=is_durable)

    monkeypatch.setattr(kept_panel, "write_whole", write_slowly)

    async def scene() -> None:
        panel = KeptPanel(tmp_path, LEVELS)
        task = asyncio.create_task(panel.run(lambda _event: None))
        await asyncio.sleep(0)
        panel.observe(VolumeChanged(35), 0.0)
        await eventually(began.is_set)
        panel.observe(MuteMicrophone(), 0.0)
        task.cancel()
        threading.Timer(0.05, may_go_on.set).start()  # the loop waits for the disk meanwhile
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scene())
    assert KeptPanel(tmp_path, LEVELS).is_muted


def test_a_slide_switch_keeps_its_own_place(tmp_path: Path) -> None:
    run(KeptPanel(tmp_path, LEVELS), MuteMicrophone(), until=has(tmp_path, b'"is_muted":true'))

    assert run(KeptPanel(tmp_path, LEVELS, keeps_mute=False)) == []


def test_the_volume_is_kept_until_the_settings_change(tmp_path: Path) -> None:
    assert KeptPanel(tmp_path, LEVELS).levels.volume == 70
    run(KeptPanel(tmp_path, LEVELS), VolumeChanged(35), until=has(tmp_path, b":35"))

    assert KeptPanel(tmp_path, LEVELS).levels.volume == 35
    assert KeptPanel(tmp_path, LEVELS._replace(volume=60)).levels.volume == 60


def test_the_volume_of_the_earcons_and_the_brightness_are_kept_until_their_settings_change(tmp_path: Path) -> None:
    run(KeptPanel(tmp_path, LEVELS), EarconVolumeSet(0), BrightnessSet(5), until=has(tmp_path, b":5"))

    assert KeptPanel(tmp_path, LEVELS).levels == PanelLevels(volume=70, earcons=0, brightness=5)
    assert KeptPanel(tmp_path, LEVELS._replace(earcons=50)).levels == PanelLevels(70, 50, 5)
    assert KeptPanel(tmp_path, LEVELS._replace(brightness=80)).levels == PanelLevels(70, 0, 80)


def test_the_file_of_an_older_box_keeps_its_volume(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"is_muted":false,"volume_percent":35,"configured_percent":70}')

    assert KeptPanel(tmp_path, LEVELS).levels == LEVELS._replace(volume=35)


def test_what_concerns_neither_is_not_written(tmp_path: Path) -> None:
    run(KeptPanel(tmp_path, LEVELS), PlayEarcon(Earcon.MUTED))
    assert not (tmp_path / FILE_NAME).exists()

    run(KeptPanel(tmp_path, LEVELS), VolumeChanged(40), until=has(tmp_path, b":40"))
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"volume_percent": 101}', b"\xff", b'{"is_muted": "yes"}', b"{}", b'{"x":' + 2000 * b"["]
)
def test_a_damaged_file_that_may_have_said_muted_starts_muted_and_says_what_to_do(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)

    panel = KeptPanel(tmp_path, LEVELS)

    assert panel.levels == LEVELS
    (muted,) = run(panel)
    assert isinstance(muted, MuteSwitched)
    assert muted.is_muted
    assert str(tmp_path / FILE_NAME) in muted.why
    (record,) = caplog.records
    assert record.msg == "panel-file-unreadable"
    assert UNMUTE_REMEDY in str(record.msg)


def test_a_file_that_cannot_be_read_starts_muted(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()

    assert KeptPanel(tmp_path, LEVELS).is_muted


def test_a_damaged_file_says_nothing_of_mute_where_a_slide_switch_decides(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"")

    assert run(KeptPanel(tmp_path, LEVELS, keeps_mute=False)) == []
    assert UNMUTE_REMEDY not in str(caplog.records[0].msg)


def test_opening_the_microphone_by_hand_mends_the_damaged_file(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"")

    run(KeptPanel(tmp_path, LEVELS), UnmuteMicrophone(), until=has(tmp_path, b'"is_muted":false'))

    assert run(KeptPanel(tmp_path, LEVELS)) == []


@pytest.mark.parametrize("content", [b'{"is_muted":false,"volume_percent":101}', b'{"is_muted": false, "volu'])
def test_a_damaged_file_that_still_says_unmuted_mutes_nothing(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)

    assert run(KeptPanel(tmp_path, LEVELS)) == []


@pytest.mark.parametrize(
    "content", [b'{"is_muted":true,"volume_percent":101}', b'{"is_muted": true, "volu', b'\x00{"is_muted":true}']
)
def test_a_mute_that_stands_in_a_damaged_file_is_kept(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)

    panel = KeptPanel(tmp_path, LEVELS)

    assert (panel.is_muted, panel.levels) == (True, LEVELS)


def test_a_full_disk_is_logged_and_the_box_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept_panel, "write_whole", refuse)

    run(KeptPanel(tmp_path, LEVELS), VolumeChanged(10), until=lambda: bool(caplog.records))

    assert caplog.records[0].msg == "panel-file-not-written"
