"""Events reach callbacks and iterators, whatever a callback does."""

import asyncio

import pytest

from edgevoice.agent import emitter
from edgevoice.agent.emitter import Emitter
from edgevoice.agent.events import AgentEvent, Closed, SpeechStarted, SpeechStopped


def test_an_asynchronous_callback_that_fails_is_logged_by_name_only(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_event: SpeechStarted) -> None:
        await asyncio.sleep(0)
        raise ValueError("secret words")

    async def scene() -> None:
        emitter = Emitter()
        emitter.on("speech_started", broken)
        emitter.emit(SpeechStarted())
        await emitter.finish()

    asyncio.run(scene())

    assert [record.msg for record in caplog.records] == ["callback-failed"]
    assert "secret" not in caplog.text


def test_the_last_callbacks_may_finish_but_not_go_on_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emitter, "_LAST_S", 0.05)
    done: list[str] = []

    async def saves(_event: Closed) -> None:
        await asyncio.sleep(0.001)
        done.append("saved")

    async def hangs(_event: Closed) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            done.append("cancelled")

    async def scene() -> None:
        ours = Emitter()
        for callback in (saves, hangs):
            ours.on("closed", callback)
        ours.emit(Closed(""))
        await ours.finish()

    asyncio.run(scene())

    assert done == ["saved", "cancelled"]


def test_a_callback_may_end_the_conversation() -> None:
    async def leaves(_event: SpeechStarted) -> None:
        await ours.finish()
        left.set()

    async def scene() -> None:
        ours.on("speech_started", leaves)
        ours.emit(SpeechStarted())
        async with asyncio.timeout(5):
            await left.wait()

    ours, left = Emitter(), asyncio.Event()
    asyncio.run(scene())


def test_nothing_follows_the_end() -> None:
    async def scene() -> list[AgentEvent]:
        ours = Emitter()
        stream = ours.stream()
        for event in (SpeechStarted(), Closed(""), SpeechStopped()):
            ours.emit(event)
        return [event async for event in stream]

    assert asyncio.run(scene()) == [SpeechStarted(), Closed("")]
