import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.core.consent import _LANGUAGES, MOST_WORDS, Consent, consent_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Yes.", "en"),
        ("yes please", "en-GB"),
        ("Well, okay, do it!", "en"),
        ("Yeah, unlock the front door.", "en"),
        ("That\u2019s fine.", "en"),
        ("Go ahead", "en"),
        ("Ja.", "de"),
        ("Ja, bitte.", "de-DE"),
        ("Na klar, mach das!", "de"),
        ("Mach\u2019s", "de"),
        ("Natu\u0308rlich", "de-AT"),
        ("Ach ja, gerne", "DE"),
        ("Oui, vas-y", "fr"),
        ("Sí, hazlo", "es"),
        ("Sì", "it"),
        ("Ja, doe maar", "nl"),
        ("okay", "sv"),
    ],
)
def test_a_clear_yes_is_consent(text: str, language: str) -> None:
    assert consent_of(text, language) is Consent.YES


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("No.", "en"),
        ("No, don't do it", "en"),
        ("Yes. No!", "en"),
        ("Okay, do not unlock it.", "en"),
        ("Stop", "en"),
        ("forget it", "en"),
        ("Nein, danke.", "de"),
        ("Ja nee, lass es", "de"),
        ("Bitte nicht", "de"),
        ("Auf keinen Fall", "de"),
        ("Non merci", "fr"),
    ],
)
def test_a_no_anywhere_is_a_no(text: str, language: str) -> None:
    assert consent_of(text, language) is Consent.NO


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", "en"),
        ("...", "en"),
        ("Hmm", "en"),
        ("Yes, but tell me the price first", "en"),
        ("Yes?", "en"),
        ("Maybe", "en"),
        ("What is the weather like", "en"),
        ("Okay wait", "en"),
        ("The door is green, yes", "en"),
        ("Yes I was at the market and then we went home", "en"),
        ("eyes", "en"),
        ("Ja, aber erst morgen", "de"),
        ("Wie bitte?", "de"),
        ("Jein", "de"),
        ("yes", "de"),
        ("ja", "en"),
        ("Jahr", "de"),
        ("please", "en"),
    ],
)
def test_whatever_is_not_clear_is_no_consent(text: str, language: str) -> None:
    assert consent_of(text, language) is Consent.UNCLEAR


@given(st.text(), st.sampled_from(sorted(_LANGUAGES)))
def test_a_yes_is_short_and_contains_a_word_for_it(text: str, language: str) -> None:
    if consent_of(text, language) is Consent.YES:
        assert len(text.split()) <= MOST_WORDS
        assert any(word.split()[0] in text.lower() for word in _LANGUAGES[language].yes)


@pytest.mark.parametrize("language", sorted(_LANGUAGES))
def test_no_word_means_two_things(language: str) -> None:
    words = _LANGUAGES[language]

    assert not {*words.yes} & {*words.no, *words.but}
    assert all(consent_of(each, language) is Consent.YES for each in words.yes)
    assert all(consent_of(each, language) is Consent.NO for each in words.no)
