"""What a new session is told about the lost one."""

import pytest

from edgevoice.core.notices import Role, TranscriptChanged
from edgevoice.core.protocol import wire
from edgevoice.core.protocol.downlink import AudioPiece
from edgevoice.core.protocol.history import History


def said(*words: tuple[Role, str]) -> History:
    history = History()
    for number, (role, text) in enumerate(words):
        history.take(TranscriptChanged(role, f"i{number}", text, is_final=True))
    return history


def test_answered_turns_are_replayed_in_order() -> None:
    words = [(Role.USER, "What time is it?"), (Role.ASSISTANT, "It is noon."), (Role.USER, "And in Oslo?")]

    # The last turn has no answer: its audio is resent instead.
    assert said(*words).answered() == words[:2]


def test_a_turn_whose_answer_is_still_being_spoken_is_not_replayed() -> None:
    history = said((Role.USER, "What time is it?"))
    history.take(TranscriptChanged(Role.ASSISTANT, "a", "It is", is_final=False))

    assert history.answered() == []


def test_the_last_final_words_of_each_item_count() -> None:
    history = said((Role.ASSISTANT, "It is noon."))
    history.take(TranscriptChanged(Role.ASSISTANT, "i0", "It is noon and", is_final=False))
    history.take(TranscriptChanged(Role.ASSISTANT, "i0", "It is noon and a half.", is_final=True))
    history.take(TranscriptChanged(Role.USER, "i1", "", is_final=True))

    assert history.answered() == [(Role.ASSISTANT, "It is noon and a half.")]


def test_of_several_completed_transcripts_of_the_user_the_last_counts() -> None:
    history = said((Role.USER, "Set a timer"))
    history.take(TranscriptChanged(Role.USER, "i0", "Set a timer for ten minutes.", is_final=True))
    history.take(TranscriptChanged(Role.ASSISTANT, "i1", "Ten minutes.", is_final=True))

    assert history.answered() == [(Role.USER, "Set a timer for ten minutes."), (Role.ASSISTANT, "Ten minutes.")]


def test_history_is_bounded_and_forgets_the_oldest_first() -> None:
    many = said(*[(Role.ASSISTANT, str(number)) for number in range(40)]).answered()
    long = said(*[(Role.ASSISTANT, letter * 2000) for letter in "abcdef"]).answered()

    just = said((Role.ASSISTANT, "a" * 1500), (Role.ASSISTANT, "b" * 1500), (Role.ASSISTANT, "c" * 1000)).answered()

    over = said((Role.ASSISTANT, "a" * 1500), (Role.ASSISTANT, "b" * 1500), (Role.ASSISTANT, "c" * 1001)).answered()

    assert [text[:1] for _, text in just] == ["a", "b", "c"]
    assert [text[:1] for _, text in over] == ["b", "c"]
    assert [text for _, text in many] == [str(number) for number in range(28, 40)]
    assert [text for _, text in long] == [letter * 1500 for letter in "ef"]


def test_an_empty_transcript_removes_no_words() -> None:
    history = said((Role.ASSISTANT, "It is noon."))
    history.take(TranscriptChanged(Role.ASSISTANT, "i0", "", is_final=True))

    assert history.answered() == [(Role.ASSISTANT, "It is noon.")]


def test_history_can_be_cleared() -> None:
    history = said((Role.ASSISTANT, "It is noon."))
    history.clear()

    assert history.answered() == []


# --- how much of an answer was heard ---------------------------------------------------------------------------------

ANSWER = "It is noon, and the sun is out."


def heard(answer: str, heard_ms: int, *, of_ms: int = 1000, is_final: bool = True) -> list[tuple[Role, str]]:
    history = said((Role.USER, "What time is it?"))
    history.take(TranscriptChanged(Role.ASSISTANT, "a", answer, is_final=is_final))
    for _ in range(10):
        history.take(AudioPiece("r", "a", 0, bytes(of_ms // 10 * 48)))
    history.truncate("a", heard_ms)
    return history.answered()[1:]


def test_an_interrupted_answer_is_replayed_up_to_the_last_whole_word_heard() -> None:
    assert heard(ANSWER, 500) == [(Role.ASSISTANT, "It is noon, and")]
    assert heard(ANSWER, 480) == [(Role.ASSISTANT, "It is noon,")]
    assert heard(ANSWER, 300) == [(Role.ASSISTANT, "It is")]
    assert heard(ANSWER, 1000) == [(Role.ASSISTANT, ANSWER)]
    assert heard(ANSWER, 30) == []
    assert heard("今日は晴れです。", 500) == [(Role.ASSISTANT, "今日は晴")]
    assert heard("word " * 1000, 20_000, of_ms=200_000) == [(Role.ASSISTANT, ("word " * 100).strip())]
    assert heard("Good morning.", 800) == [(Role.ASSISTANT, "Good")]
    assert heard("", 500) == []


def test_words_that_are_far_ahead_of_the_sound_were_not_heard() -> None:
    # All of the sound that had arrived was heard, but no voice says so much in 200 ms.
    assert heard(ANSWER, 200, of_ms=200) == [(Role.ASSISTANT, "It is")]


def test_the_words_of_an_interrupted_answer_may_never_be_final() -> None:
    assert heard(ANSWER, 500, is_final=False) == [(Role.ASSISTANT, "It is noon, and")]


def test_words_and_interruption_may_come_in_either_order() -> None:
    history = said((Role.USER, "What time is it?"))
    history.take(AudioPiece("r", "a", 0, bytes(48_000)))
    history.truncate("a", 500)
    history.truncate("unheard of", 500)
    history.take(TranscriptChanged(Role.ASSISTANT, "a", ANSWER, is_final=True))

    assert history.answered()[-1] == (Role.ASSISTANT, "It is noon, and")


def test_an_unheard_answer_is_not_replayed_but_its_question_is() -> None:
    history = said((Role.USER, "What time is it?"), (Role.ASSISTANT, ANSWER), (Role.USER, "No, in Oslo?"))
    history.delete("i1")
    history.take(TranscriptChanged(Role.ASSISTANT, "i1", ANSWER, is_final=True))

    assert history.answered() == [(Role.USER, "What time is it?")]


# --- order -----------------------------------------------------------------------------------------------------------


def answered_late(*events: wire.ServerEvent) -> list[str]:
    """Return the history of a question whose transcript comes after that of its answer."""
    history = said((Role.ASSISTANT, "Hello."))
    for event in events:
        history.order(event)
    history.take(TranscriptChanged(Role.ASSISTANT, "a", "It is noon.", is_final=True))
    history.take(TranscriptChanged(Role.USER, "u", "What time is it?", is_final=True))
    return [text for _, text in history.answered()]


@pytest.mark.parametrize(
    "event",
    [
        wire.Committed(item_id="u"),
        wire.ItemAdded(item=wire.Item(id="u", type="message", role="user")),
        wire.ItemCreated(item=wire.Item(id="u", role="user"), previous_item_id="i0"),
    ],
)
def test_the_users_words_that_come_after_the_answer_are_replayed_before_it(event: wire.ServerEvent) -> None:
    assert answered_late(event, event) == ["Hello.", "What time is it?", "It is noon."]


def test_an_item_follows_the_one_that_it_names() -> None:
    history = said((Role.USER, "One?"), (Role.ASSISTANT, "Two."))
    history.order(wire.Committed(item_id="u", previous_item_id="i0"))
    history.take(TranscriptChanged(Role.USER, "u", "Or more?", is_final=True))

    assert history.answered() == [(Role.USER, "One?"), (Role.USER, "Or more?"), (Role.ASSISTANT, "Two.")]
    created = said((Role.USER, "One?"), (Role.ASSISTANT, "Two."))
    created.order(wire.ItemAdded(item=wire.Item(id="u", role="user"), previous_item_id="i0"))
    created.take(TranscriptChanged(Role.USER, "u", "Or more?", is_final=True))
    assert created.answered() == history.answered()


def test_an_item_directly_follows_the_one_that_it_names_wherever_that_is() -> None:
    history = said((Role.USER, "One?"), (Role.ASSISTANT, "Two."), (Role.USER, "Three?"), (Role.ASSISTANT, "Four."))
    history.order(wire.Committed(item_id="u", previous_item_id="i1"))
    history.take(TranscriptChanged(Role.USER, "u", "Or more?", is_final=True))

    assert [text for _, text in history.answered()] == ["One?", "Two.", "Or more?", "Three?", "Four."]


def test_an_item_without_an_id_has_no_place() -> None:
    nameless = (wire.Committed(), wire.ItemAdded(item=wire.Item(id="", role="user")), wire.SpeechStarted())

    assert answered_late(*nameless) == ["Hello.", "It is noon."]
    history = History()
    for event in nameless:
        history.order(event)
    assert history._items == []


def test_items_without_words_are_bounded_and_displace_no_words() -> None:
    history = said((Role.ASSISTANT, "Hello."))
    for number in range(1000):
        history.order(wire.Committed(item_id=f"u{number}"))
        history.take(AudioPiece("r", f"a{number}", 0, b""))

    assert history.answered() == [(Role.ASSISTANT, "Hello.")]
    assert len(history._items) == 13


def test_only_replayed_items_are_kept_and_another_session_has_other_ids() -> None:
    history = said((Role.USER, "What time is it?"), (Role.ASSISTANT, "It is noon."), (Role.USER, "And in Oslo?"))

    assert (
        history.begin_again()
        == history.answered()
        == [(Role.USER, "What time is it?"), (Role.ASSISTANT, "It is noon.")]
    )
    history.take(TranscriptChanged(Role.USER, "i0", "And in Oslo?", is_final=True))
    history.take(TranscriptChanged(Role.ASSISTANT, "i1", "There, too.", is_final=True))
    assert [text for _, text in history.answered()] == [
        "What time is it?",
        "It is noon.",
        "And in Oslo?",
        "There, too.",
    ]


def heard_of(received_ms: int) -> History:
    history = History()
    history.take(TranscriptChanged(Role.ASSISTANT, "a1", ANSWER, is_final=True))
    history.take(AudioPiece("r1", "a1", 0, bytes(48 * received_ms)))
    return history


def test_a_resumed_answer_adds_what_was_heard_and_its_item_exists_unless_deleted() -> None:
    history = heard_of(1000)
    history.truncate("a1", 500)

    assert history.extend("a1", 800) == ("the sun", True)
    assert history.answered() == [(Role.ASSISTANT, "It is noon, and the sun")]
    assert history.extend("a1", None) == ("is out.", True)

    history.delete("a1")
    assert history.extend("a1", None) == (ANSWER, False)


def test_an_item_that_was_never_truncated_needs_no_addition() -> None:
    assert heard_of(1000).extend("a1", None) == ("", False)
    assert heard_of(1000).extend("a2", None) == ("", False)


def test_more_of_one_answer_adds_nothing_to_another() -> None:
    history = heard_of(1000)
    history.take(TranscriptChanged(Role.ASSISTANT, "a2", "Anything else?", is_final=True))
    history.take(AudioPiece("r2", "a2", 0, bytes(48_000)))
    history.truncate("a1", 500)
    history.truncate("a2", 500)

    assert history.extend("a2", None) == ("Anything else?", True)


def test_the_service_keeps_the_item_of_an_answer_heard_for_a_millisecond() -> None:
    history = heard_of(1000)
    history.truncate("a1", 1)

    assert history.extend("a1", None) == (ANSWER, True)
    assert history.extend("a1", None) == ("", True), "no more than all of it"


@pytest.mark.parametrize("received", [1, 2, 26, 47, 48, 49, 48_000, 48_001])
def test_a_fully_heard_answer_has_all_its_words_whatever_its_size(received: int) -> None:
    history = History()
    history.take(TranscriptChanged(Role.ASSISTANT, "a1", ANSWER, is_final=True))
    history.take(AudioPiece("r1", "a1", 0, bytes(received)))
    history.truncate("a1", 0)

    assert history.extend("a1", None) == (ANSWER, False)


def test_what_was_taken_is_not_taken_again_and_what_has_no_answer_stays() -> None:
    words = [(Role.USER, "What time is it?"), (Role.ASSISTANT, "It is noon."), (Role.USER, "And in Oslo?")]
    history = said(*words)

    assert history.take_answered() == words[:2]
    assert history.take_answered() == []
    history.take(TranscriptChanged(Role.ASSISTANT, "a", "One.", is_final=True))
    assert history.take_answered() == [words[2], (Role.ASSISTANT, "One.")]
