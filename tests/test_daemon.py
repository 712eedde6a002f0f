"""Who answers, and so whether the minutes are billed."""

import pytest

from edgevoice.daemon import answers_itself
from edgevoice.settings import Service, Settings
from edgevoice.system.credentials import Key


@pytest.mark.parametrize(
    ("url", "has_key", "is_free"),
    [
        ("local", False, True),
        ("local", True, True),
        ("", False, True),
        ("", True, False),
        ("wss://example.org/", False, False),
        ("wss://example.org/", True, False),
    ],
)
def test_only_a_service_on_the_network_is_billed_and_so_counted(url: str, *, has_key: bool, is_free: bool) -> None:
    key = Key("secret", source="a test") if has_key else None

    assert answers_itself(Settings(service=Service(url=url)), key) is is_free
