import pytest

from edgevoice.local.mind import vocabulary
from edgevoice.local.mind.intents import understand
from edgevoice.local.speech import grammar
from edgevoice.local.speech.grammar import END, START
from edgevoice.local.speech.pronunciations import SPELLING, pronunciations


def reaches(words: list[str]) -> bool:
    """Whether a path of the grammar says exactly these words."""
    known = grammar.commands()

    def closed(nodes: set[int]) -> set[int]:
        for source, target in known.jumps:
            nodes |= {target} if source in nodes else set()
        return nodes

    nodes = closed({START})
    for word in words:
        nodes = closed({arc.target for arc in known.arcs if arc.source in nodes and arc.word == word})
    return END in nodes


def test_every_command_is_a_path_with_or_without_a_wake_word() -> None:
    for command in ("what time is it", "set a timer for sixty seconds", "volume one hundred percent", "stop"):
        assert reaches(command.split())
        for wake in vocabulary.WAKE_PHRASES:
            assert reaches([*wake.split(), *command.split()])
    assert reaches(["stop", "and", "set", "a", "one", "hour", "timer", "please"])


def test_negations_and_answers_to_questions_are_paths() -> None:
    for around in vocabulary.TURNING:
        assert reaches([*around.partition("{}")[0].split(), "stop"])
    for answer in ("yes", "no", "no twenty", "no set a timer for ten minutes", "half an hour", "fifty percent please"):
        assert reaches(answer.split())


@pytest.mark.parametrize(
    "said",
    [
        *("ten minute pasta timer", "wake me at seven on weekdays", "remind me at six to call mum", "snooze"),
        *("how long is left", "add two minutes", "cancel the pasta timer", "what alarms are set", "why did that fail"),
    ],
)
def test_timers_and_alarms_are_paths(said: str) -> None:
    assert reaches(said.split())


def test_half_a_command_is_not_a_path() -> None:
    assert not reaches(["set", "a", "timer", "for"])
    assert not reaches(["volume", "to"])


def test_commands_share_their_words() -> None:
    known = grammar.commands()

    assert len({*vocabulary.commands()}) > 800
    assert known.nodes < 200
    assert len(known.arcs) < 1000


def test_every_word_can_be_said_in_known_phonemes() -> None:
    for sentence in (*vocabulary.commands(), *vocabulary.answers(), *vocabulary.WAKE_PHRASES):
        for word in sentence.split():
            assert {phoneme for way in pronunciations(word) for phoneme in way} <= {*SPELLING}


def test_no_answer_is_by_itself_a_harmful_command() -> None:
    harmless = {"no thank you", "no thanks"}

    assert {answer for answer in vocabulary.answers() if understand(answer)} <= harmless


def test_other_words_are_those_of_the_commands_and_the_most_frequent_ones() -> None:
    other = grammar.other_words()
    words = {arc.word for arc in other.arcs}

    assert {"turn", "timer", "over", "around", "people"} <= words
    assert len(words) > 500
    assert {phoneme for arc in other.arcs for way in arc.says for phoneme in way} <= {*SPELLING}
    assert all(arc.weight < 0 for arc in other.arcs)
