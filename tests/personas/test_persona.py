import re
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.errors import PersonaInvalid
from edgevoice.personas.persona import LONGEST_INSTRUCTIONS, Persona, checked, read, text_of
from edgevoice.personas.presets import PRESETS
from edgevoice.personas.voices import found, next_voice, voices_of
from edgevoice.settings.service import ServiceSettings

SERVICE = ServiceSettings(instructions="Be kind.", voice="Sarah", speed=1.1)


def test_a_persona_changes_only_what_it_names() -> None:
    applied = Persona(name="pirate", instructions="Say arr.", voice="Clive").applied(SERVICE)

    assert applied.instructions == "Be kind.\n\n# Your role\nSay arr."
    assert applied == msgspec.structs.replace(SERVICE, instructions=applied.instructions, voice="Clive")
    assert Persona(name="plain").applied(SERVICE) == SERVICE
    assert Persona(name="all", model="m", speed=0.7).applied(SERVICE) == msgspec.structs.replace(
        SERVICE, model="m", speed=0.7
    )


def test_a_role_stands_alone_where_the_service_has_no_instructions() -> None:
    assert Persona(name="x", instructions="Say arr.").applied(ServiceSettings(instructions="")).instructions == (
        "# Your role\nSay arr."
    )


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"speed": 3}, "persona owl: speed is 3; it must be between 0.5 and 1.5"),
        ({"voice": ""}, 'persona owl: voice is ""; it must be a text that is not empty'),
        ({"voices": "x"}, "persona owl: voices is not a field; did you mean voice?"),
        ({"q": 1}, "persona owl: q is not a field; the fields are instructions, model, voice, speed, tools"),
        ({"tools": ["a b"]}, 'persona owl: tools contains "a b"; it must be a list of the names of tools'),
        ({"instructions": "x" * 4001}, f"instructions has 4001 characters; at most {LONGEST_INSTRUCTIONS}"),
        ({"instructions": "a\0b"}, "instructions contains a control character; delete it"),
        ({"model": "a\nb\x7f"}, "model contains a control character; delete it"),
    ],
)
def test_an_invalid_field_is_refused_in_one_line_that_names_it(fields: dict[str, object], complaint: str) -> None:
    with pytest.raises(PersonaInvalid) as refused:
        checked("owl", fields)

    assert complaint in str(refused.value)
    assert "\n" not in refused.value.line()


@pytest.mark.parametrize(
    "content", ["", "\n", "# Only a comment.\n", 'instructions = ""\n', text_of(Persona(name="owl"))]
)
def test_a_text_that_sets_nothing_is_refused(content: str) -> None:
    with pytest.raises(PersonaInvalid, match="persona owl: the text is empty; write at least one of instructions, "):
        read("owl", content.encode())

    assert read("owl", b"speed = 0.9").speed == 0.9


@pytest.mark.parametrize("name", ["", "Pirate", "a b", "-x", "9", "x" * 33, "ä", "../x", "default"])
def test_an_impossible_name_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(PersonaInvalid, match="cannot be") as refused:
        checked(name, {})
    assert "\n" not in refused.value.line()


_TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"], include_characters='\n\t"\\'), max_size=40)
_FIELDS = st.fixed_dictionaries(
    {"instructions": _TEXTS},
    optional={
        "model": _TEXTS.filter(bool),
        "voice": _TEXTS.filter(bool),
        "speed": st.floats(0.5, 1.5),
        "tools": st.lists(st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True), max_size=3),
    },
)


@given(_FIELDS)
def test_a_persona_written_as_text_reads_back_the_same(fields: dict[str, object]) -> None:
    persona = checked("owl", fields)

    assert checked("owl", tomllib.loads(text_of(persona))) == persona


def test_the_personas_that_ship_are_valid_and_name_no_voice_that_a_service_may_lack() -> None:
    assert set(PRESETS) == {"pirate", "storyteller", "brief", "teacher"}
    for name, persona in PRESETS.items():
        assert checked(name, tomllib.loads(text_of(persona))) == persona
        assert (persona.voice, persona.model) == (None, None)


@pytest.mark.parametrize("page", ["personas.md", "library.md"])
def test_the_pages_for_owners_and_programs_name_the_personas_that_ship(page: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / page).read_text()

    assert re.search("`?, `?".join(PRESETS), text)


def test_another_voice_is_the_next_of_those_that_the_service_has() -> None:
    voices = voices_of("openai", "mine")

    assert {"marin", "mine"} <= set(voices)
    assert next_voice("marin", voices) == voices[1]
    assert next_voice(voices[-1], voices) == voices[0] == next_voice("unknown", voices)
    assert voices_of("inworld", "Sarah", ("Dennis",)) == ("Dennis", "Sarah")
    assert voices_of("inworld", "Sarah").count("Sarah") == 1
    assert (found(" MARIN ", voices), found("marine", voices)) == ("marin", None)
