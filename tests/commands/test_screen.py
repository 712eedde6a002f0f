"""What a person at a terminal sees, and what never reaches their terminal."""

import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgevoice.commands.screen import Screen, printable
from edgevoice.core.facts import LinkLost, ToolCall, TurnEnded, WakeWordHeard
from edgevoice.core.notices import Notice, PhaseEntered, Role, TranscriptChanged
from edgevoice.core.orders import CutPlayback, DeleteItem, Earcon, Light, PlayEarcon, RunTool, ShowLight, TruncateItem

CLEAR = "\r\x1b[K"
OURS = re.compile(r"\r\x1b\[K|\x1b\[\d+m")
"""What the screen itself may send to steer a terminal."""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def words(text: str, *, final: bool = False, item: str = "a1", role: Role = Role.ASSISTANT) -> TranscriptChanged:
    return TranscriptChanged(role, item, text, is_final=final)


def shown_in(stream: io.StringIO, *notices: Notice) -> str:
    screen = Screen(stream, began=100.0)
    for number, notice in enumerate(notices):
        screen(notice, 100.0 + number / 10)
    return stream.getvalue()


def last_line(written: str) -> str:
    """Return the words that stand on the last line, as the eye sees it."""
    return OURS.sub("", written.rsplit(CLEAR, 1)[-1])


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")


def test_everything_a_person_wants_to_see_is_a_line_with_its_time() -> None:
    written = shown_in(
        io.StringIO(),
        ShowLight(Light.IDLE),
        WakeWordHeard("hey_jarvis", 0.987, 16_000),
        PhaseEntered("listening"),
        words("What time is it?", final=True, role=Role.USER, item="u1"),
        RunTool(ToolCall("c1", "get_current_time", "{}")),
        words("It is noon.", final=True),
        CutPlayback(),
        TruncateItem("a1", 0, 740),
        DeleteItem("a2"),
        PlayEarcon(Earcon.MUTED),
        ShowLight(Light.FAULT, "key-refused"),
        LinkLost("key-refused", is_retriable=False),
        TurnEnded(),
    )

    assert written.splitlines() == [
        "   0.10 s  wake word: hey jarvis (score 0.99)",
        "   0.20 s  [listening]",
        "   0.30 s  you: What time is it?",
        "   0.40 s  tool: get_current_time({})",
        "   0.50 s  box: It is noon.",
        "   0.60 s  playback cut",
        "   0.70 s  the model is told that 740 ms of it were heard",
        "   0.80 s  the model is told that nothing of it was heard",
        "   0.90 s  the microphone is muted",
        "   1.00 s  fault: key-refused",
        "   1.10 s  link lost: key-refused",
    ]


def test_a_phase_may_be_entered_before_any_light_is_shown() -> None:
    assert "[idle]" in shown_in(Terminal(), PhaseEntered("idle"))


def test_where_nobody_looks_words_are_written_once_when_they_are_final() -> None:
    written = shown_in(
        io.StringIO(), words("It"), words("It is"), words("It is noon"), words("It is noon.", final=True), words("late")
    )

    assert written == "   0.30 s  box: It is noon.\n"


def test_a_transcript_that_comes_twice_is_written_once_and_an_empty_one_never() -> None:
    final = words("It is noon.", final=True)

    written = shown_in(
        io.StringIO(), final, final, words("", final=True, item="a2"), words("Yes.", final=True, item="a3")
    )

    assert [line.split("  ")[-1] for line in written.splitlines()] == ["box: It is noon.", "box: Yes."]


def test_on_a_terminal_the_last_line_shows_the_light_and_the_words_as_they_grow() -> None:
    stream = Terminal()
    screen = Screen(stream)
    seen = []
    for notice in (ShowLight(Light.SPEAKING), words("It"), words("It is"), words("It is noon.", final=True)):
        screen(notice, 1.0)
        seen.append(last_line(stream.getvalue()))

    assert seen == ["● speaking  ", "● speaking    box: It", "● speaking    box: It is", "● speaking  "]
    assert stream.getvalue().count("\n") == 1
    assert "   1.00 s  box: It is noon.\n" in stream.getvalue()


def test_words_longer_than_the_line_show_their_end() -> None:
    written = shown_in(Terminal(), ShowLight(Light.SPEAKING), words("once upon a time " * 20 + "they lived."))

    line = last_line(written)
    assert len(line) <= 80
    assert "…" in line
    assert line.endswith("they lived.")


@pytest.mark.parametrize("columns", ["1", "14", "15", "16"])
def test_on_a_line_too_narrow_for_words_none_are_shown(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    line = last_line(shown_in(Terminal(), ShowLight(Light.SPEAKING), words("once upon a time " * 20)))

    assert len(line) <= 16


def test_a_line_replaces_the_status_and_the_status_comes_back_below_it() -> None:
    written = shown_in(
        Terminal(), ShowLight(Light.LISTENING), words("It", role=Role.USER), LinkLost("x", is_retriable=True)
    )

    before, after = written.split("link lost: x")
    assert before.endswith(f"{CLEAR}   0.20 s  \x1b[31m")
    assert last_line(after) == "● listening   you: It"


def test_what_was_being_said_when_it_was_cut_is_written_down() -> None:
    written = shown_in(io.StringIO(), words("Once upon a"), CutPlayback(), words("Once upon a time", final=False))

    assert [line.split("  ")[-1] for line in written.splitlines()] == ["box: Once upon a …", "playback cut"]


def test_what_the_user_was_saying_is_not_taken_for_what_was_cut() -> None:
    written = shown_in(io.StringIO(), words("Stop", role=Role.USER, item="u1"), CutPlayback())

    assert written.splitlines() == ["   0.10 s  playback cut"]


def test_leaving_it_clears_its_line() -> None:
    stream = Terminal()
    screen = Screen(stream)
    screen(ShowLight(Light.IDLE), 0.0)
    screen.close()

    assert stream.getvalue().endswith(CLEAR)

    plain = io.StringIO()
    Screen(plain).close()
    assert plain.getvalue() == ""


def test_where_nobody_looks_nothing_steers_a_terminal() -> None:
    written = shown_in(
        io.StringIO(),
        ShowLight(Light.FAULT, "x"),
        PhaseEntered("idle"),
        CutPlayback(),
        LinkLost("x", is_retriable=True),
    )

    assert "\x1b" not in written
    assert "\r" not in written


NASTY = "\x1b]0;title\x07\x1b[2J\x9b31m\r\nroot# \x08\x7f\u202e\u2028\x00"


@given(text=st.text(), name=st.text(), arguments=st.text())
@example(text=NASTY, name=NASTY, arguments=NASTY)
def test_nothing_that_the_service_sends_steers_the_terminal(text: str, name: str, arguments: str) -> None:
    written = shown_in(
        Terminal(),
        ShowLight(Light.SPEAKING),
        words(text),
        words(text, role=Role.USER, item="u1"),
        words(text),
        CutPlayback(),
        words(text, final=True, item="a2"),
        RunTool(ToolCall("c", name, arguments)),
    )

    assert all(line.isprintable() for line in OURS.sub("", written).split("\n"))
    said = OURS.sub("", written).count("\n")
    assert said <= 4, "no more lines than there were things to say"


@given(st.text())
def test_what_can_be_printed_stays_as_it_is(text: str) -> None:
    shown = printable(text)

    assert shown.isprintable()
    assert len(shown) == len(text)
    assert all(after in {before, " "} for before, after in zip(text, shown, strict=True))
