"""The log: names and fields, on a terminal or in the journal of systemd."""

import io
import logging
import os
import re
import sys
from collections.abc import Iterator

import pytest
from systemd import journal as systemd_journal

from edgevoice import journal
from edgevoice.journal import tell

LOG = logging.getLogger("edgevoice.test_journal")


def crash() -> None:
    try:
        _ = 1 // 0
    except ZeroDivisionError:
        LOG.exception("crashed")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Leave the logger as it was: other tests listen to it."""
    root = logging.getLogger("edgevoice")
    before = (root.handlers[:], root.level, root.propagate)
    yield
    root.handlers[:], root.propagate = before[0], before[2]
    root.setLevel(before[1])


@pytest.fixture
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """Stand in for journald behind standard error: collect what reaches it, entry by entry."""
    entries: list[dict[str, str]] = []

    def sendv(*fields: str | bytes) -> None:
        texts = [field.decode() if isinstance(field, bytes) else field for field in fields]
        entries.append(dict(text.split("=", 1) for text in texts))

    monkeypatch.setattr(systemd_journal, "sendv", sendv)
    status = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    return entries


@pytest.mark.usefixtures("_terminal")
def test_a_line_on_a_terminal_has_the_time_the_event_and_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    journal.start("info")

    tell(LOG, logging.INFO, "conversation-over", seconds=62.0, turns=2)

    assert re.fullmatch(r"\d\d:\d\d:\d\d conversation-over seconds=62\.0 turns=2\n", capsys.readouterr().err)


@pytest.mark.usefixtures("_terminal")
def test_warnings_begin_with_their_level_and_end_with_the_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    journal.start("info")

    tell(LOG, logging.WARNING, "link-lost", problem="the key was refused. Copy it again.", code="key-refused")
    tell(LOG, logging.ERROR, "stopped")

    lines = [line[9:] for line in capsys.readouterr().err.splitlines()]
    assert lines == ["warning: link-lost code=key-refused - the key was refused. Copy it again.", "error: stopped"]


@pytest.mark.usefixtures("_terminal")
def test_entries_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    journal.start("warning")
    tell(LOG, logging.INFO, "conversation-over")
    assert capsys.readouterr().err == ""

    journal.start("debug")
    tell(LOG, logging.DEBUG, "wakeword-heard", score=0.9)
    assert "wakeword-heard score=0.9" in capsys.readouterr().err


@pytest.mark.usefixtures("_terminal")
def test_started_twice_each_line_is_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    journal.start("info")
    journal.start("info")

    tell(LOG, logging.INFO, "once")

    assert capsys.readouterr().err.count("once") == 1


@pytest.mark.usefixtures("_terminal")
def test_a_line_of_ours_is_not_repeated_by_a_root_logger_that_logs_everything(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    journal.start("info")

    tell(LOG, logging.INFO, "once")

    assert capsys.readouterr().err.count("once") == 1
    assert caplog.records == []


@pytest.mark.usefixtures("_terminal")
def test_a_crash_is_written_with_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    journal.start("info")

    crash()

    written = capsys.readouterr().err
    assert "error: crashed \nTraceback" in written
    assert written.count("ZeroDivisionError: ") == 1


@pytest.mark.usefixtures("_terminal")
def test_logs_of_other_libraries_are_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    journal.start("info")

    logging.getLogger("websockets.client").info("> Authorization: Basic secret")

    assert capsys.readouterr().err == ""


def test_under_systemd_fields_become_fields_of_the_journal(sent: list[dict[str, str]]) -> None:
    journal.start("info")

    tell(LOG, logging.WARNING, "link-lost", code="key-refused", problem="the key was refused")

    (entry,) = sent
    assert entry["MESSAGE"] == "link-lost code=key-refused - the key was refused"
    assert entry["SYSLOG_IDENTIFIER"] == "edgevoice"
    assert entry["PRIORITY"] == "4"
    assert entry["EDGEVOICE_CODE"] == "key-refused"
    assert entry["EDGEVOICE_PROBLEM"] == "the key was refused"


def test_under_systemd_a_crash_has_its_trace(sent: list[dict[str, str]]) -> None:
    journal.start("info")

    crash()

    assert "ZeroDivisionError: " in sent[0]["MESSAGE"]
    assert sent[0]["PRIORITY"] == "3"


@pytest.mark.parametrize("inherited", ["8:4711", "", "nonsense"])
def test_a_terminal_inside_a_systemd_session_is_still_a_terminal(
    sent: list[dict[str, str]], inherited: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", inherited)
    journal.start("info")

    tell(LOG, logging.INFO, "conversation-over")

    assert sent == []
    assert "conversation-over" in capsys.readouterr().err


def test_without_the_journals_library_the_terminal_is_used(
    sent: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "systemd.journal", None)
    journal.start("info")

    tell(LOG, logging.INFO, "conversation-over")

    assert sent == []
    assert "conversation-over" in capsys.readouterr().err


def test_without_standard_error_the_journal_is_not_used(
    sent: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_descriptor: int) -> os.stat_result:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(os, "fstat", refuse)
    journal.start("info")
    monkeypatch.undo()

    tell(LOG, logging.INFO, "conversation-over")

    assert sent == []
    assert "conversation-over" in capsys.readouterr().err


# --- an event that repeats too often ---------------------------------------------------------------------------------


class Clock:
    """Monotonic seconds, set by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(journal, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def written(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line[9:] for line in capsys.readouterr().err.splitlines()]


@pytest.mark.usefixtures("_terminal")
def test_an_endlessly_repeated_event_is_written_twenty_times_and_then_counted(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    journal.start("info")
    for number in range(100_000):
        clock.now = 100 + number / 10_001
        tell(LOG, logging.WARNING, "service-complains", code=f"code {number}")
    assert written(capsys) == [f"warning: service-complains code=code {number}" for number in range(20)]

    clock.now = 110
    tell(LOG, logging.WARNING, "service-complains", code="still")

    assert written(capsys) == [
        "warning: service-complains code=code 99999 repeated=99980",
        "warning: service-complains code=still",
    ]


@pytest.mark.usefixtures("_terminal")
def test_other_events_are_still_written_and_report_the_count_once_its_time_is_over(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    journal.start("info")
    for _ in range(22):
        tell(LOG, logging.WARNING, "link-lost", code="x")
    clock.now += 9.9
    tell(LOG, logging.INFO, "conversation-over")
    assert written(capsys)[20:] == ["conversation-over"]

    clock.now += 0.1
    tell(LOG, logging.INFO, "conversation-over")
    tell(LOG, logging.INFO, "conversation-over")

    assert written(capsys) == ["warning: link-lost code=x repeated=2", "conversation-over", "conversation-over"]


@pytest.mark.usefixtures("_terminal")
def test_a_frequent_event_within_the_limit_is_written_each_time(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    journal.start("info")
    for _ in range(100):
        tell(LOG, logging.WARNING, "link-lost")
        clock.now += 0.5

    assert written(capsys) == ["warning: link-lost"] * 100


@pytest.mark.usefixtures("_terminal", "clock")
def test_the_count_is_written_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    journal.start("info")
    for _ in range(21):
        LOG.warning("odd")

    journal.start("info")

    assert written(capsys)[20:] == ["warning: odd repeated=1"]


@pytest.mark.usefixtures("clock")
def test_under_systemd_the_count_is_a_field_of_the_journal(sent: list[dict[str, str]]) -> None:
    journal.start("info")
    for _ in range(25):
        tell(LOG, logging.WARNING, "link-lost", code="x")
    journal.start("info")

    assert len(sent) == 21
    assert sent[-1]["EDGEVOICE_REPEATED"] == "5"
    assert sent[-1]["EDGEVOICE_CODE"] == "x"


def test_a_line_at_the_foot_of_a_terminal_is_written_again_below_each_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()

    def redraw() -> None:
        terminal.write("the light")
        terminal.flush()

    with open(theirs, "w", encoding="utf-8") as terminal, monkeypatch.context() as there:  # noqa: PTH123 - a descriptor
        there.setattr(sys, "stderr", terminal)
        journal.start("info")
        journal.keep_below(redraw)
        tell(logging.getLogger("edgevoice.x"), logging.INFO, "first")
        journal.keep_below(None)
        tell(logging.getLogger("edgevoice.x"), logging.INFO, "second")
        shown = ""
        while "second" not in shown:  # a terminal returns what is available, even half a line
            shown += os.read(ours, 4096).decode()
        for handler in logging.getLogger("edgevoice").handlers:
            handler.close()
    os.close(ours)

    first, second = shown.split("\r\n")[:2]
    assert first.startswith("\r\x1b[2K")
    assert first.endswith("first")
    assert second.startswith("the light")
    assert second.endswith("second")


def test_the_log_of_a_program_that_has_its_own_format_shows_the_fields_as_well() -> None:
    """A program that uses the library logs as it likes; a name without its fields would say nothing."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    LOG.addHandler(handler)
    try:
        tell(LOG, logging.WARNING, "tool-failed", tool="open_door", problem="it is 100 % stuck", error="OSError")
    finally:
        LOG.removeHandler(handler)

    assert written.getvalue() == "WARNING tool-failed tool=open_door error=OSError - it is 100 % stuck\n"
