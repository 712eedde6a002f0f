"""A judge of conversations needs an encrypted address, a model, and a box that keeps what was said."""

from typing import Any

import msgspec
import pytest

from edgevoice.settings.agreement import disagreements
from edgevoice.settings.judge_rules import address_complaint
from edgevoice.settings.schema import Settings


def complaints(grading: dict[str, Any], *, remembers: bool = True) -> list[str]:
    settings = msgspec.convert({"grading": grading, "memory": {"enabled": remembers}}, Settings)
    return [each.text for each in disagreements(settings)]


@pytest.mark.parametrize(
    "url", ["https://models.example/v1", "http://127.0.0.1:8080/v1", "http://localhost", "http://[::1]:80/"]
)
def test_an_address_is_encrypted_or_on_this_machine(url: str) -> None:
    assert address_complaint(url) == ""
    assert complaints({"judge_url": url, "judge_model": "small"}) == []


@pytest.mark.parametrize("url", ["http://models.example", "models.example", "ftp://127.0.0.1", "https://", "https://["])
def test_any_other_address_is_refused(url: str) -> None:
    assert address_complaint(url)


def test_a_key_in_an_address_is_refused_and_not_repeated() -> None:
    (line,) = complaints({"judge_url": "https://me:secret@models.example", "judge_model": "small"})

    assert line == "grading.judge_url must not contain a key; that belongs in EDGEVOICE_JUDGE_KEY"


def test_a_judge_needs_a_model_and_what_was_said() -> None:
    assert complaints({"judge_url": "https://models.example"}, remembers=False) == [
        "grading.judge_model is empty; name the model that judges",
        "grading.judge_url needs memory.enabled = true: a judge reads what was said, which is not kept without it",
    ]


def test_without_a_judge_nothing_is_needed() -> None:
    assert complaints({"rate": 0.5}, remembers=False) == []
