"""What another session is told of the one that was lost."""

from edgevoice.core.history import History
from edgevoice.core.notices import Role, TranscriptChanged


def said(*words: tuple[Role, str]) -> History:
    history = History()
    for number, (role, text) in enumerate(words):
        history.take(TranscriptChanged(role, f"i{number}", text, is_final=True))
    return history


def test_what_was_answered_is_told_in_order() -> None:
    words = [(Role.USER, "What time is it?"), (Role.ASSISTANT, "It is noon."), (Role.USER, "And in Oslo?")]

    # The last turn has no answer: it is said again by its own sound.
    assert said(*words).answered() == words[:2]


def test_only_final_words_count_and_the_last_of_them_for_each_item() -> None:
    history = said((Role.ASSISTANT, "It is noon."))
    history.take(TranscriptChanged(Role.ASSISTANT, "i0", "It is noon and", is_final=False))
    history.take(TranscriptChanged(Role.ASSISTANT, "i0", "It is noon and a half.", is_final=True))
    history.take(TranscriptChanged(Role.USER, "i1", "", is_final=True))

    assert history.answered() == [(Role.ASSISTANT, "It is noon and a half.")]


def test_it_is_bounded_and_forgets_the_oldest_first() -> None:
    many = said(*[(Role.ASSISTANT, str(number)) for number in range(40)]).answered()
    long = said(*[(Role.ASSISTANT, letter * 2000) for letter in "abcdef"]).answered()

    assert [text for _, text in many] == [str(number) for number in range(28, 40)]
    assert [text for _, text in long] == [letter * 1500 for letter in "ef"]


def test_it_can_be_forgotten() -> None:
    history = said((Role.ASSISTANT, "It is noon."))
    history.clear()

    assert history.answered() == []
