"""The screen of a conversation: what a terminal shows, and what never reaches it."""

import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgevoice.commands.screen import Screen
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import LinkLost, LinkOpened, ToolCall, TurnEnded, WakeWordHeard
from edgevoice.core.notices import Notice, PhaseEntered, Role, TranscriptChanged
from edgevoice.core.orders import (
    CutPlayback,
    DeleteItem,
    DeleteTurn,
    Earcon,
    ExtendItem,
    Light,
    PlayEarcon,
    ResumePlayback,
    RunTool,
    ShowLight,
    TruncateItem,
)
from edgevoice.core.printable import printable
from tests.steps import steps_of

CLEAR = "\r\x1b[K"
OURS = re.compile(r"\r\x1b\[K|\x1b\[\d+m")
"""The control sequences that the screen itself may send."""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def words(text: str, *, final: bool = False, item: str = "a1", role: Role = Role.ASSISTANT) -> TranscriptChanged:
    return TranscriptChanged(role, item, text, is_final=final)


def shown_in(stream: io.StringIO, *notices: Notice) -> str:
    screen = Screen(stream, began=100.0)
    for number, notice in enumerate(notices):
        screen.observe(notice, 100.0 + number / 10)
    return stream.getvalue()


def last_line(written: str) -> str:
    """Return the text of the last line as it appears on the screen."""
    return OURS.sub("", written.rsplit(CLEAR, 1)[-1])


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")


def test_every_event_of_interest_is_a_line_with_its_time() -> None:
    written = shown_in(
        io.StringIO(),
        ShowLight(Light.IDLE),
        WakeWordHeard("hey_jarvis", 0.987, 16_000),
        PhaseEntered(Phase.LISTENING),
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
        "   0.70 s  the model learns that 740 ms of it were heard",
        "   0.80 s  the model learns that none of it was heard",
        "   0.90 s  the microphone is muted",
        "   1.00 s  fault: key-refused",
        "   1.10 s  link lost: key-refused",
    ]


def test_a_phase_may_be_entered_before_any_light_is_shown() -> None:
    assert "[idle]" in shown_in(Terminal(), PhaseEntered(Phase.IDLE))


def test_without_a_terminal_words_are_written_once_when_final() -> None:
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


def test_the_same_words_in_an_item_of_the_same_name_are_written_again_in_the_next_session() -> None:
    final = words("It is noon.", final=True)

    written = shown_in(io.StringIO(), final, LinkOpened(), final)

    assert [line.split("  ")[-1] for line in written.splitlines()] == 2 * ["box: It is noon."]


def test_on_a_terminal_the_last_line_shows_the_light_and_the_words_as_they_grow() -> None:
    stream = Terminal()
    screen = Screen(stream)
    seen = []
    for notice in (ShowLight(Light.SPEAKING), words("It"), words("It is"), words("It is noon.", final=True)):
        screen.observe(notice, 1.0)
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


def test_an_answer_that_is_cut_is_written_as_far_as_it_came() -> None:
    written = shown_in(io.StringIO(), words("Once upon a"), CutPlayback(), words("Once upon a time", final=False))

    assert [line.split("  ")[-1] for line in written.splitlines()] == ["box: Once upon a …", "playback cut"]


def test_an_answer_resumed_after_a_cough_is_shown_and_so_is_what_the_model_learns() -> None:
    written = shown_in(
        io.StringIO(),
        CutPlayback(keeps_rest=True),
        ResumePlayback(),
        DeleteTurn("u2"),
        ExtendItem("a1"),
        ExtendItem("a1", 900),
    )

    assert [line.split("  ")[-1] for line in written.splitlines()] == [
        "playback cut",
        "nobody spoke: the answer continues",
        "the model learns that nobody spoke",
        "the model learns that all of it was heard after all",
        "the model learns that 900 ms of it were heard after all",
    ]


def test_the_users_words_are_not_mistaken_for_the_answer_that_was_cut() -> None:
    written = shown_in(io.StringIO(), words("Stop", role=Role.USER, item="u1"), CutPlayback())

    assert written.splitlines() == ["   0.10 s  playback cut"]


def test_leaving_the_screen_clears_its_line() -> None:
    stream = Terminal()
    screen = Screen(stream)
    screen.observe(ShowLight(Light.IDLE), 0.0)
    screen.close()

    assert stream.getvalue().endswith(CLEAR)

    plain = io.StringIO()
    Screen(plain).close()
    assert plain.getvalue() == ""


def test_without_a_terminal_no_control_sequence_is_written() -> None:
    written = shown_in(
        io.StringIO(),
        ShowLight(Light.FAULT, "x"),
        PhaseEntered(Phase.IDLE),
        CutPlayback(),
        LinkLost("x", is_retriable=True),
    )

    assert "\x1b" not in written
    assert "\r" not in written


NASTY = "\x1b]0;title\x07\x1b[2J\x9b31m\r\nroot# \x08\x7f\u202e\u2028\x00"


@given(text=st.text(), name=st.text(), arguments=st.text())
@example(text=NASTY, name=NASTY, arguments=NASTY)
def test_nothing_the_service_sends_can_control_the_terminal(text: str, name: str, arguments: str) -> None:
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
def test_printable_text_stays_as_it_is(text: str) -> None:
    shown = printable(text)

    assert shown.isprintable()
    if "\x1b" not in text and "\x9b" not in text:
        assert len(shown) == len(text)
        assert all(after in {before, " "} for before, after in zip(text, shown, strict=True))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m words", "red words"),
        ("\x1b[2J\x1b[1;1Hroot#", "root#"),
        ("\x1b]0;a title\x07after", "after"),
        ("\x1b]8;;http://host\x1b\\a link\x1b]8;;\x1b\\", "a link"),
        ("\x1b]0;a title without an end", "0;a title without an end"),
        ("\x9b31mred", "red"),
        ("\x1bcreset", "reset"),
        ("\x1b(0lines", "lines"),
        ("an escape at the end\x1b", "an escape at the end "),
        ("one\r\ntwo\x08", "one  two "),
        ("[31m in brackets", "[31m in brackets"),
    ],
)
def test_terminal_control_sequences_are_removed_whole(text: str, shown: str) -> None:
    assert printable(text) == shown


# --- words that arrive more than once --------------------------------------------------------------------------------


def you(text: str, *, final: bool = True, item: str = "u1") -> TranscriptChanged:
    return words(text, final=final, item=item, role=Role.USER)


def lines(*notices: Notice, stream: io.StringIO | None = None) -> list[str]:
    written = shown_in(stream or io.StringIO(), *notices)
    return [OURS.sub("", line).split("  ")[-1] for line in written.split("\n") if line.strip()]


def test_of_repeated_final_transcripts_the_last_is_written_once() -> None:
    assert lines(you("Set a timer"), you("Set a timer for ten"), you("Set a timer for ten minutes"), CutPlayback()) == [
        "you: Set a timer for ten minutes",
        "playback cut",
    ]


def test_the_users_words_are_written_with_the_time_of_their_arrival() -> None:
    written = shown_in(io.StringIO(), you("Stop"), TurnEnded(), TurnEnded(), CutPlayback())

    assert written.splitlines() == ["   0.00 s  you: Stop", "   0.30 s  playback cut"]


def test_a_later_final_transcript_is_written_again_only_if_it_differs() -> None:
    assert lines(you("Set"), CutPlayback(), you("Set"), CutPlayback(), you("Set a timer"), CutPlayback()) == [
        "you: Set",
        "playback cut",
        "playback cut",
        "you: Set a timer",
        "playback cut",
    ]
    assert lines(words("No", final=True), words("No", final=True), words("No.", final=True)) == ["box: No", "box: No."]


def test_the_users_words_come_before_the_answer_and_before_the_next_turn() -> None:
    assert lines(you("One?"), words("Two", final=True), you("Three?", item="u2"), you("Four?", item="u3")) == [
        "you: One?",
        "box: Two",
        "you: Three?",
    ]


def test_on_a_terminal_the_users_final_words_show_at_once_and_are_written_at_the_end() -> None:
    stream = Terminal()
    screen = Screen(stream)
    screen.observe(you("Stop it", final=False), 1.0)
    screen.observe(you("Stop it."), 1.0)

    assert last_line(stream.getvalue()).endswith("you: Stop it.")
    screen.observe(words("Yes"), 2.0)
    assert "   1.00 s  you: Stop it.\n" in stream.getvalue()
    assert last_line(stream.getvalue()).endswith("box: Yes")
    screen.observe(you("More."), 3.0)
    screen.close()
    assert stream.getvalue().endswith(f"   3.00 s  you: More.\n{CLEAR}")


def test_words_of_old_items_are_forgotten() -> None:
    screen = Screen(io.StringIO())
    for number in range(1000):
        screen.observe(words("word", final=True, item=f"a{number}"), 0.0)

    assert len(screen._written) == 8


# --- long texts ------------------------------------------------------------------------------------------------------


def test_the_beginning_of_a_calls_arguments_is_shown() -> None:
    assert lines(RunTool(ToolCall("c", "note", "x" * 500))) == [f"tool: note({'x' * 500})"]
    assert lines(RunTool(ToolCall("c", "note", "x" * 60_000))) == [f"tool: note({'x' * 500}…)"]


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("x" * 58, "  box: " + "x" * 58),
        ("x" * 60, "…" + "x" * 60),
        ("今" * 29, "  box: " + "今" * 29),
        ("今" * 100, "…" + "今" * 32),
        ("e\u0301" * 59, "  box: " + "e\u0301" * 59),
        ("\x1b[31m" + "x" * 58, "  box: " + "x" * 58),
        ("x" * 20_000, "…" + "x" * 65),
    ],
)
def test_the_line_of_growing_words_is_no_wider_than_the_terminal(text: str, end: str) -> None:
    assert last_line(shown_in(Terminal(), ShowLight(Light.IDLE), words(text))) == f"● idle      {end}"


def test_updating_growing_words_costs_the_same_after_many_words() -> None:
    def steps(text: str) -> int:
        screen = Screen(Terminal())
        return steps_of(lambda: screen.observe(words(text), 0.0))

    assert steps("x" * 20_000) == steps("x" * 1000)
