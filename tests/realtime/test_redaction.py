"""A key that a service quotes is hidden however it is quoted; the rest of the message stays readable."""

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.realtime.redaction import Redactor, secrets_in, secrets_in_address

IDENTITY, SECRET = "wWxkj<8~", "Zq7?/+hT&2mRv9"
KEY = base64.b64encode(f"{IDENTITY}:{SECRET}".encode()).decode()

QUOTATIONS = {
    "as it is": KEY,
    "in a header": f"Basic {KEY}",
    "in upper case": KEY.upper(),
    "in lower case": KEY.lower(),
    "in hexadecimal": KEY.encode().hex(),
    "the beginning of its second half": SECRET[:3],
    "without padding": KEY.rstrip("="),
    "decoded": f"{IDENTITY}:{SECRET}",
    "its first half": IDENTITY,
    "its second half": SECRET,
    "in an address": quote(KEY, safe=""),
    "decoded, in an address": quote(f"{IDENTITY}:{SECRET}"),
    "in JSON": json.dumps(f"{IDENTITY}:{SECRET}")[1:-1].replace("/", "\\/"),
    "in HTML": html.escape(f"{IDENTITY}:{SECRET}"),
    "base64 once more": base64.b64encode(KEY.encode()).decode(),
    "half of it": KEY[: len(KEY) // 2],
    "from its middle": KEY[9:19],
    "masked with asterisks": f"{KEY[:5]}****{KEY[-4:]}",
    "masked at its beginning": f"********{KEY[-4:]}",
    "masked at its end": f"{KEY[:3]}***",
    "masked with one character": f"{KEY[:6]}…{KEY[-6:]}",
    "masked with spaces": f"{KEY[:3]} ... {KEY[-3:]}",
    "masked with x": f"{KEY[:2]}xxxxxxxx{KEY[-2:]}",
    "its last four": KEY[-4:],
    "its first three": KEY[:3],
}


@pytest.mark.parametrize("quotation", QUOTATIONS.values(), ids=QUOTATIONS)
@pytest.mark.parametrize("sentence", ["Incorrect API key provided: {}. Look at our page.", '{{"error": "{}"}}', "{}"])
def test_no_part_of_a_key_is_left_of_what_a_service_quotes(quotation: str, sentence: str) -> None:
    left = Redactor([KEY])(sentence.format(quotation))

    assert left == sentence.format("(hidden)") or left == sentence.format("Basic (hidden)")


ENCODINGS: dict[str, Callable[[str], str]] = {
    "in an address": lambda secret: quote(secret, safe=""),
    "in a form": quote_plus,
    "in HTML": html.escape,
    "in JSON": lambda secret: json.dumps(secret)[1:-1],
    "in JSON with escaped slashes": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "in base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "in base64 for addresses": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "in hexadecimal": lambda secret: secret.encode().hex(),
}


@pytest.mark.parametrize("encoded", ENCODINGS.values(), ids=ENCODINGS)
@pytest.mark.parametrize("secret", ['~"/>?&~>"/?<~>&"', "/>>/??/~~/&&/<<", "MixedCase"])
def test_a_secret_is_hidden_in_each_encoding(secret: str, encoded: Callable[[str], str]) -> None:
    """Only punctuation, so that the encoded key shares no part with the plain one."""
    assert Redactor([secret])(f"no: {encoded(secret)} !").strip("=") in {"no: (hidden) !", "no: (hidden)== !"}


def test_a_password_is_hidden_both_as_encoded_in_the_address_and_decoded() -> None:
    redactor = Redactor(secrets_in_address("http://me:p%40%2F%21%23%24w@proxy"))

    assert redactor("p%40%2F%21%23%24w and p@/!#$w") == "(hidden) and (hidden)"


@pytest.mark.parametrize(
    "words",
    [
        "Incorrect API key provided. You can find your key on our page.",
        "The session is over... try again in 2 * 30 seconds",
        '{"error":{"code":"invalid_api_key","param":null}}',
        "unknown model gpt-realtime-2 at api.inworld.ai:443/v1?x=1",
        "",
    ],
)
def test_text_without_a_key_is_unchanged(words: str) -> None:
    assert Redactor([KEY, "sk-proj-0123456789abcdef"])(words) == words
    assert Redactor([])(words) == words


def test_a_short_secret_is_hidden_as_a_word_and_not_within_others() -> None:
    assert Redactor(["abc", "me"])("abc: no abcd for me, some mead") == "(hidden): no abcd for (hidden), some mead"


def test_a_key_that_begins_like_a_sentence_leaves_its_words() -> None:
    assert Redactor(["the-long-key"])("Is the key not for you? the-long-key") == "Is the key not for you? (hidden)"


def test_the_repr_of_a_redactor_shows_no_secret() -> None:
    assert KEY not in repr(Redactor([KEY]))


@given(secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40), around=st.text())
def test_no_secret_survives_in_any_text(secret: str, around: str) -> None:
    assert secret not in Redactor([secret])(f"{around} {secret} {around}").replace("(hidden)", " ")


def test_the_secrets_of_an_address_are_its_password_and_the_secrets_in_its_query() -> None:
    url = "wss://me:hush@box.local/x?model=m&key=k1&access_token=k2&protocol=realtime&API-Key=k3"

    assert set(secrets_in_address(url)) - {""} == {"me", "hush", "k1", "k2", "k3"}
    assert list(secrets_in_address("wss://[broken")) == []


def test_the_secrets_of_a_configuration_are_found_at_any_depth() -> None:
    data = {"model": "m", "providerData": {"tts": [{"api_key": "k1", "voice": "v"}], "token": "k2", "key": 7}}

    assert set(secrets_in(data)) == {"k1", "k2"}


def test_six_letters_in_a_row_are_a_quotation_and_five_are_chance() -> None:
    redactor = Redactor(["abcdefghijklmnop"])

    assert redactor("a word with _defghi_ in it") == "a word with (hidden) in it"
    assert redactor("a word with _defgh_ in it") == "a word with _defgh_ in it"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("qz wk", "qz wk"),
        ("qzv 9wk", "(hidden) (hidden)"),
        ("q*** and ***k", "q*** and ***k"),
        ("qz*** and ***wk", "(hidden) and (hidden)"),
    ],
)
def test_two_letters_beside_a_mask_are_a_quotation_and_three_without_one(text: str, left: str) -> None:
    assert Redactor(["qzv-0123456789-9wk"])(text) == left


@pytest.mark.parametrize("word", ["and", "api", "are", "for", "has", "key", "not", "the", "was", "you"])
def test_a_common_word_is_not_hidden(word: str) -> None:
    sentence = f"It is {word} here."

    assert Redactor([f"{word}-0123456789", f"9876543210-{word}"])(sentence) == sentence


@pytest.mark.parametrize(
    ("secret", "text", "left"),
    [
        ("PQRSTUVWXYZ", "pqr and wxyz", "(hidden) and (hidden)"),
        ("wxyz_abc", "WXYZ", "(hidden)"),
        ("[[[[[[", "{{{{{{", "{{{{{{"),
        (f"Basic {KEY}", f"not {IDENTITY}:{SECRET} here", "not (hidden) here"),
        ("id:secret", "%3A and Og", "%3A and Og"),
        ("/ /", "%2F%20%2F", "(hidden)"),
        ("aWQ6YWJX", "id and abW", "(hidden) and (hidden)"),
        ("aGVs.bG8h", "hello", "hello"),
    ],
)
def test_another_spelling_is_hidden_only_if_it_quotes_the_secret(secret: str, text: str, left: str) -> None:
    assert Redactor([secret])(text) == left


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [("password", True), ("client_secret", True), ("sshkey", True), ("mytoken", True), ("voice", False)],
)
def test_a_name_says_that_its_value_is_secret(name: str, *, is_secret: bool) -> None:
    assert list(secrets_in({name: "x1"})) == (["x1"] if is_secret else [])
    assert list(secrets_in_address(f"wss://box.local/?{name}=x1")) == ["", "", *(["x1"] if is_secret else [])]
