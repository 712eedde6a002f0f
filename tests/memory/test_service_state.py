"""What the service wants back with its next session: kept, handed back, and forgotten with the rest."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.notices import PhaseEntered, ServiceStateChanged
from edgevoice.errors import StorageUnavailable
from edgevoice.memory.memory import Memory
from edgevoice.memory.service_state import ServiceState
from edgevoice.settings.service import ServiceSettings
from tests import virtual_time

INWORLD = ServiceSettings(dialect="inworld", provider_data={"stt": {"voice_profile": True}})
FACTS = {"version": 3, "facts": ["the bins go out on Monday"]}


class Shelf(Memory):
    """A memory that keeps only the service's state, and counts how often it is written."""

    def __init__(self) -> None:
        super().__init__(Path("/nonexistent"))
        self.state: dict[str, Any] | None = None
        self.writes = 0
        self.is_full = False

    async def service_state(self) -> dict[str, Any] | None:
        return self.state

    async def keep_service_state(self, state: dict[str, Any]) -> None:
        if self.is_full:
            raise StorageUnavailable("the disk is full")
        self.state, self.writes = state, self.writes + 1


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def state(shelf: Shelf) -> ServiceState:
    return ServiceState(shelf)


async def session(state: ServiceState, service: ServiceSettings = INWORLD) -> Any:
    """Begin a session; return its memory settings."""
    await state.reread()
    return state.added_to(service).get("memory")


def report(state: ServiceState, reported: object) -> None:
    state.observe(ServiceStateChanged(json.dumps(reported)), 0.0)


def test_a_state_is_handed_back_with_the_next_session(state: ServiceState) -> None:
    async def scene() -> None:
        assert await session(state) == {"enabled": True}
        report(state, FACTS)
        assert await session(state) == {"enabled": True, "state": FACTS}
        assert state.added_to(INWORLD)["stt"] == {"voice_profile": True}

    asyncio.run(scene())


def test_a_new_state_is_written_as_soon_as_it_comes_and_only_once(state: ServiceState, shelf: Shelf) -> None:
    async def scene() -> None:
        await session(state)
        running = asyncio.create_task(state.run(lambda _fact: None))
        report(state, {"version": 1})
        await asyncio.sleep(1)
        assert shelf.state == {"version": 1}
        for _ in range(2):
            report(state, FACTS)
            await asyncio.sleep(1)
        running.cancel()

    virtual_time.run(scene())

    assert (shelf.state, shelf.writes) == (FACTS, 2)


def test_owners_add_to_the_services_memory_and_can_switch_it_off(state: ServiceState, shelf: Shelf) -> None:
    shelf.state = FACTS

    async def scene() -> None:
        own = ServiceSettings(dialect="inworld", provider_data={"memory": {"max_facts": 5, "state": {"version": 1}}})
        assert await session(state, own) == {"enabled": True, "max_facts": 5, "state": FACTS}
        off = ServiceSettings(dialect="inworld", provider_data={"memory": {"enabled": False}})
        assert await session(state, off) == {"enabled": False}
        report(state, {"version": 9})
        odd = ServiceSettings(dialect="inworld", provider_data={"memory": "no"})
        assert await session(state, odd) == "no"

    asyncio.run(scene())

    assert shelf.state == FACTS


def test_another_dialect_has_no_such_state(state: ServiceState, shelf: Shelf) -> None:
    shelf.state = FACTS

    async def scene() -> None:
        assert await session(state, ServiceSettings(dialect="openai")) is None
        report(state, {"version": 9})
        await state.finish()

    asyncio.run(scene())

    assert shelf.writes == 0


def test_nothing_more_of_a_conversation_is_kept_after_something_was_forgotten_in_it(
    state: ServiceState, shelf: Shelf
) -> None:
    async def scene() -> None:
        await session(state)
        report(state, FACTS)
        await state.leave_out()
        assert shelf.state == FACTS  # forgetting finds it in the file
        shelf.state = None
        report(state, {**FACTS, "version": 4})
        state.observe(PhaseEntered(Phase.LISTENING), 0.0)
        report(state, {**FACTS, "version": 5})
        assert await session(state) == {"enabled": True}  # the link was lost and found again
        report(state, {**FACTS, "version": 6})
        state.observe(PhaseEntered(Phase.IDLE), 0.0)
        assert await session(state) == {"enabled": True}
        report(state, {"version": 1, "facts": []})
        await state.finish()

    asyncio.run(scene())

    assert shelf.state == {"version": 1, "facts": []}


def test_a_state_of_more_than_64_kib_is_not_kept_and_the_log_says_so(
    state: ServiceState, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> None:
        await session(state)
        report(state, FACTS)
        report(state, {"summary": "x" * 65_536})
        await state.finish()

    asyncio.run(scene())

    assert shelf.state == FACTS
    assert [record.msg for record in caplog.records] == ["service-memory-too-large"]


def test_a_full_disk_costs_the_state_and_nothing_else(
    state: ServiceState, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> None:
        await session(state)
        shelf.is_full = True
        report(state, FACTS)
        await state.finish()

    asyncio.run(scene())

    assert [record.msg for record in caplog.records] == ["memory-unavailable"]
