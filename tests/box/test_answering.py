"""Which service answers, and so whether the minutes are billed."""

import asyncio
from pathlib import Path
from typing import Any, Self

import pytest

from edgevoice.box import answering
from edgevoice.box.answering import answering_service
from edgevoice.errors import LocalServiceUnavailable
from edgevoice.host.credentials import Key
from edgevoice.observers.announcement import ANNOUNCEMENT, Announced
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.settings.service import ServiceSettings

KEY = Key("secret", source="a test")


ELSEWHERE = ServiceSettings(url="wss://example.org/realtime")


def fields_of(caplog: pytest.LogCaptureFixture, event: str) -> dict[str, Any]:
    (record,) = [record for record in caplog.records if record.message == event]
    fields = vars(record)["fields"]
    assert isinstance(fields, dict)
    return fields


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

    def __init__(self, *, announcement: str | None, failure: Exception | None = None) -> None:
        self.announcement = announcement
        self.done: list[str] = []
        self._failure = failure

    async def __aenter__(self) -> Self:
        self.done.append("entered")
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.done.append("ended")

    async def prepare(self) -> None:
        """Prepare nothing."""

    async def ensure(self) -> None:
        self.done.append("begun")
        if self._failure is not None:
            raise self._failure
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.done.append("given up")


async def inside_the_box(
    patch: pytest.MonkeyPatch, folder: Path, failure: Exception | None = None
) -> tuple[Child, Endpoint, object]:
    children: list[Child] = []

    def child(*, announcement: str | None) -> Child:
        children.append(Child(announcement=announcement, failure=failure))
        return children[0]

    patch.setattr(answering, "LocalServiceProcess", child)
    async with answering_service(ServiceSettings(), None, {"STATE_DIRECTORY": str(folder)}) as (endpoint, (watch,)):
        for _ in range(5):
            await asyncio.sleep(0)
        return children[0], endpoint(), watch


def test_the_local_service_is_started_early_and_stopped_with_the_box(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child, endpoint, watch = asyncio.run(inside_the_box(monkeypatch, tmp_path))

    assert child.done == ["entered", "begun", "given up", "ended"]
    assert (endpoint.socket, endpoint.prepare) == (Child.socket_path, child.prepare)
    assert isinstance(watch, Announced)


def test_the_local_service_introduces_itself_until_that_was_heard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child, _, _ = asyncio.run(inside_the_box(monkeypatch, tmp_path))
    assert child.announcement == ANNOUNCEMENT

    (tmp_path / "said-local-service").touch()
    child, _, _ = asyncio.run(inside_the_box(monkeypatch, tmp_path))
    assert child.announcement is None


def test_a_local_service_that_cannot_start_is_logged_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    failure = LocalServiceUnavailable("no models")

    child, _, _ = asyncio.run(inside_the_box(monkeypatch, tmp_path, failure))

    assert child.done == ["entered", "begun", "ended"]
    assert fields_of(caplog, "local-service") == {"code": "local-service-unavailable", "problem": failure.line()}
