"""The address of Home Assistant is one that gets the access token and nothing else."""

import pytest

from edgevoice.settings.agreement import disagreements
from edgevoice.settings.home_rules import home_complaint
from edgevoice.settings.integrations import HomeSettings
from edgevoice.settings.schema import Settings


@pytest.mark.parametrize(
    "url", ["http://homeassistant.local:8123", "https://home.example/", "http://[2001:db8::1]:8123"]
)
def test_an_address_with_a_machine_is_right(url: str) -> None:
    assert home_complaint(url) == ""
    assert [*disagreements(Settings(home=HomeSettings(url=url)))] == []


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("homeassistant.local:8123", "must begin with"),
        ("ftp://homeassistant.local", "must begin with"),
        ("http://", "must begin with"),
        ("http://home:port", "is not an address"),
        ("http://me:secret@home", "must not contain a password"),
        ("http://home:8123/lovelace", "must end with the machine"),
        ("http://home:8123/?token=x", "must end with the machine"),
    ],
)
def test_anything_else_is_refused_without_being_repeated(url: str, complaint: str) -> None:
    (found,) = disagreements(Settings(home=HomeSettings(url=url)))

    assert found.text.startswith("home.url ")
    assert complaint in found.text
    assert "secret" not in found.text.replace("stored secret", "")
