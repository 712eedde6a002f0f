"""Which service answers, and so whether the minutes are billed."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import pytest

from edgevoice.box import answering
from edgevoice.box.answering import answering_service
from edgevoice.box.resting import Resting
from edgevoice.host.credentials import Key
from edgevoice.observers.announcement import ANNOUNCEMENT, Announced
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.settings.service import ServiceSettings

KEY = Key("secret", source="a test")


ELSEWHERE = ServiceSettings(url="wss://example.org/realtime")


@pytest.mark.parametrize(("key", "headers"), [(KEY, {"Authorization": "Bearer secret"}), (None, {})], ids=repr)
def test_a_service_on_the_network_is_dialled_with_the_key_if_there_is_one(
    key: Key | None, headers: dict[str, str]
) -> None:
    async def live() -> Endpoint:
        async with answering_service(ELSEWHERE, key, {}) as (endpoint, watching):
            assert watching == (), "nothing is noted"
            return endpoint()

    endpoint = asyncio.run(live())

    assert endpoint.host == "example.org"
    assert endpoint.headers == headers
    assert endpoint.socket is None


def test_with_only_a_key_the_built_in_network_service_is_used() -> None:
    async def live() -> str:
        async with answering_service(ServiceSettings(), KEY, {}) as (endpoint, _):
            return endpoint().host

    assert asyncio.run(live()) == "api.inworld.ai"


class Child:
    """Stands in for the process of the service inside the box."""

    socket_path = Path("/run/box.sock")

    def __init__(self, *, announcement: Callable[[], str | None]) -> None:
        self.announcement = announcement
        self.done: list[str] = []

    async def __aenter__(self) -> Self:
        self.done.append("entered")
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.done.append("ended")

    async def prepare(self) -> None:
        """Prepare nothing."""


async def inside_the_box(patch: pytest.MonkeyPatch, folder: Path) -> tuple[Child, Endpoint, Sequence[object]]:
    children: list[Child] = []

    def child(*, announcement: Callable[[], str | None]) -> Child:
        children.append(Child(announcement=announcement))
        return children[0]

    patch.setattr(answering, "LocalServiceProcess", child)
    async with answering_service(ServiceSettings(), None, {"STATE_DIRECTORY": str(folder)}) as (endpoint, watching):
        return children[0], endpoint(), watching


def test_the_local_service_is_watched_by_what_starts_it_and_stopped_with_the_box(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child, endpoint, watching = asyncio.run(inside_the_box(monkeypatch, tmp_path))

    assert child.done == ["entered", "ended"]
    assert (endpoint.socket, endpoint.prepare) == (Child.socket_path, child.prepare)
    assert [type(each) for each in watching] == [Announced, Resting]


def test_the_local_service_introduces_itself_until_that_was_heard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child, _, _ = asyncio.run(inside_the_box(monkeypatch, tmp_path))
    assert child.announcement() == ANNOUNCEMENT

    (tmp_path / "said-local-service").touch()
    assert child.announcement() is None
