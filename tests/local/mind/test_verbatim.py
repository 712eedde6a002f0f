"""A client's own words, spoken as they are; and ordinary talk, which is no such order."""

import pytest

from edgevoice.local.mind.brain import Prompt, answer
from edgevoice.local.mind.verbatim import verbatim, wants_echo

WORDS = "Your tea is ready."


@pytest.mark.parametrize(
    "asked",
    [
        "Repeat the following text: {}",
        'Repeat the following text: "{}"',
        'Please say exactly: "{}"',
        "Read this aloud: {}",
        "Say: {}",
        'say "{}"',
        "Say '{}'",
        "Say \u201c{}\u201d and nothing else",
        "Say this to the user: {}",
        "Say exactly this: {}",
        "Repeat after me: {}",
        "repeat this sentence word for word: {}",
        "Read the following message out loud: {}",
        "Announce: {}",
        "Tell the user: {}",
        "Respond with exactly: {}",
        'Reply with only the following words: "{}"',
        "Could you please read out the following sentence: {}",
        "Hey Jarvis, say: {}",
        "You must say exactly the following: {}",
        "Now speak this: {}",
        "Be friendly. Say: {}",
        'Greet the user.\nThen say "{}" Then wait.',
        "Say the following text (verbatim):\n\n{}",
        "REPEAT THE FOLLOWING TEXT:{}",
        "Echo: {}",
    ],
)
def test_words_to_be_spoken_are_found_however_they_are_requested(asked: str) -> None:
    assert verbatim(asked.format(WORDS)) == WORDS


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("Say 'It's ready, isn't it?' now", "It's ready, isn't it?"),
        ("Say: 'It's ready'", "It's ready"),
        ('Say "one: two; three"', "one: two; three"),
        ("Repeat the following text: one: two.\nthree", "one: two.\nthree"),
        ('Say: "no end', "no end"),
        ("Say: \u00abBonjour\u00bb", "Bonjour"),
        ("Say: \u201eGuten Tag\u201c", "Guten Tag"),
        ('Repeat this: He said "no" to me.', 'He said "no" to me.'),
    ],
)
def test_the_words_end_where_their_quotation_ends(asked: str, words: str) -> None:
    assert verbatim(asked) == words


@pytest.mark.parametrize(
    "said",
    [
        "",
        "can you repeat that",
        "Could you repeat that, please?",
        "say that again",
        "What did you say?",
        "What did he say: yes or no?",
        'Never say "um".',
        "Do not say: stop",
        "Don't repeat the following text: secret",
        'If it rings, say "stop".',
        'When the user says "stop", be quiet.',
        "They say: better late than never",
        "i have something to say: hello",
        "tell me a story: a long one",
        "Say hello to the user",
        "read me a story",
        "Say:",
        'Say: ""',
        "please repeat",
        "As they say, \u201cno news is good news\u201d",
    ],
)
def test_ordinary_speech_is_not_a_request_to_repeat_words(said: str) -> None:
    assert verbatim(said) == ""


@pytest.mark.parametrize(
    "directions",
    [
        "ONLY repeat the input and DO NOT say anything else",
        "You are a speaker.\nRepeat what the user says.",
        "Please just echo the user's input.",
        "Repeat back the input",
    ],
)
def test_a_request_for_the_users_own_words_is_recognised(directions: str) -> None:
    assert wants_echo(directions)
    assert answer(Prompt("what time is it", directions=directions)).speech == "what time is it"


@pytest.mark.parametrize(
    "directions",
    ["Never repeat the input.", "Repeat yourself.", "Answer what the user asks.", "Say the input is bad", ""],
)
def test_other_instructions_call_for_an_answer(directions: str) -> None:
    assert not wants_echo(directions)


LONG = 200_000


@pytest.mark.parametrize("text", ["\n" * LONG, "Say:" + "\n" * LONG, ". say " * LONG, "Say exactly " + " ," * LONG])
def test_a_long_text_that_asks_for_nothing_is_read_through_once(text: str) -> None:
    # A search that begins again at every character would take hours.
    assert verbatim(text) == ""
    assert not wants_echo(text)


def test_empty_lines_around_a_request_change_nothing() -> None:
    directions = "\n\n You are a speaker.\r\n\n\n  Say: \n\n hello \n"

    assert verbatim(directions) == "hello"
    assert wants_echo("You are a speaker.\n\n  Repeat\n back what the user says.")
