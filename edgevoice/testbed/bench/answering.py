"""`edgevoice bench answering`: what the child process costs that answers where there is no key.

Ten questions by voice and by text, in one conversation, to a child of its own; no sound card. Memory is what the kernel
counts: resident at rest, after each question, and the most at any moment, which includes what one sentence takes while
it is computed. Speaking and understanding are CPU time for each second of speech.
"""

import asyncio
import base64
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, unix_connect

from edgevoice.core.sound.rates import NEAR_END_HZ, WIRE_HZ
from edgevoice.errors import LocalServiceUnavailable
from edgevoice.local.process import LocalServiceProcess
from edgevoice.testbed.bench.shown import show
from edgevoice.testbed.stage.talker import words

_WRITTEN: Final = ("tell me a joke", "tell me a story", "help", "say zorblaxian wugglefrump", "goodbye")
_SPOKEN: Final = (
    *("What time is it?", "Set a timer for seven minutes.", "Set the volume to fifty percent.", "What day is it?"),
    "Who was the first man on the moon?",
)
_SAMPLE_BYTES: Final = 2
_RESET_PEAK: Final = "5"
"""What /proc/PID/clear_refs takes for that (proc(5))."""

_KEY: Final = {"Authorization": "Basic bench"}
"""The service takes any."""

_SETTLED_S: Final = 0.5
"""A child gives memory back after a conversation."""


@dataclass(frozen=True, slots=True)
class _State:
    """CPU time in seconds and memory in MB of a process."""

    cpu_s: float
    memory: Mapping[str, float]

    @classmethod
    def of(cls, process: int) -> "_State":
        place = Path(f"/proc/{process}")
        tasks = [task / "schedstat" for task in (place / "task").iterdir()]
        cpu_s = sum(int(task.read_text(encoding="ascii").split()[0]) for task in tasks) / 1e9
        counted = dict(
            line.split(":", 1) for name in ("status", "smaps_rollup") for line in _lines(place / name) if ":" in line
        )
        names = {"rss": "Rss", "proportional": "Pss", "anonymous": "Anonymous", "peak": "VmHWM"}
        return cls(cpu_s, {ours: round(int(counted[name].split()[0]) / 1024, 1) for ours, name in names.items()})


def _reset_peak(process: int) -> None:
    Path(f"/proc/{process}/clear_refs").write_text(_RESET_PEAK, encoding="ascii")


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def measure(*, as_json: bool) -> int:
    """Ask ten questions, print the figures, and return the exit status."""

    def tell(line: str) -> None:
        if not as_json:
            print(line, file=sys.stderr)

    show(asyncio.run(_measured(tell)), as_json=as_json)
    return 0


async def _measured(tell: Callable[[str], None]) -> dict[str, object]:
    spoken = [words(text).tobytes() for text in _SPOKEN]
    async with LocalServiceProcess() as process:
        # What is made once, at the first start of all, is not measured.
        await process.ensure()
        await process.rest()
        await process.ensure()
        assert process.pid is not None  # noqa: S101 - it has just begun to take connections
        pid = process.pid
        begun = _State.of(pid)
        _reset_peak(pid)
        address = f"{process.uri}?key=bench&protocol=realtime"
        async with unix_connect(str(process.socket_path), address, additional_headers=_KEY, max_size=None) as line:
            talk = _Conversation(line)
            await talk.begin()
            speaking_ms = [await _asked(text, talk.write(text), pid, tell) for text in _WRITTEN]
            hearing_ms = [
                await _asked(text, talk.say(sound), pid, tell) for text, sound in zip(_SPOKEN, spoken, strict=True)
            ]
            used = _State.of(pid)
        await asyncio.sleep(_SETTLED_S)
        after = _State.of(pid)
    return {
        "start_s": round(process.loaded_s, 2),
        "start_cpu_s": round(begun.cpu_s, 2),
        "mb": {"at_rest": begun.memory, "in_use": used.memory, "after": after.memory},
        "written_cpu_ms_per_s_spoken": _rate(speaking_ms),
        "spoken_cpu_ms": round(sum(cpu for cpu, _ in hearing_ms) / len(hearing_ms), 1),
    }


async def _asked(text: str, question: Any, pid: int, tell: Callable[[str], None]) -> tuple[float, float]:
    """Return the CPU time of an answer in milliseconds, and its length in seconds."""
    before = _State.of(pid)
    seconds = await question
    state = _State.of(pid)
    cpu_ms = 1000 * (state.cpu_s - before.cpu_s)
    tell(f"{text}: {seconds:.1f} s of speech in {cpu_ms:.0f} ms, {state.memory}")
    return cpu_ms, seconds


def _rate(answers: list[tuple[float, float]]) -> float:
    return round(sum(cpu for cpu, _ in answers) / sum(seconds for _, seconds in answers), 1)


class _Conversation:
    """One session; the client says where a turn ends. Each question returns the seconds of speech in its answer."""

    def __init__(self, line: ClientConnection) -> None:
        self._line = line

    async def begin(self) -> None:
        """Choose the microphone's rate, and no detection of turns."""
        heard = {"format": {"type": "audio/pcm", "rate": NEAR_END_HZ}, "turn_detection": None}
        await self._send("session.update", session={"type": "realtime", "audio": {"input": heard}})

    async def write(self, text: str) -> float:
        """Ask in writing."""
        content = [{"type": "input_text", "text": text}]
        await self._send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        return await self._answer()

    async def say(self, sound: bytes) -> float:
        """Ask aloud; ``sound`` is s16 at 16 kHz."""
        await self._send("input_audio_buffer.append", audio=base64.b64encode(sound).decode())
        await self._send("input_audio_buffer.commit")
        return await self._answer()

    async def _answer(self) -> float:
        await self._send("response.create")
        received = 0
        while (event := json.loads(await self._line.recv()))["type"] != "response.done":
            if event["type"] == "error":
                raise LocalServiceUnavailable(f"the service refused: {event['error']['message']}")
            if event["type"] == "response.output_audio.delta":
                received += len(base64.b64decode(event["delta"]))
        return received / (_SAMPLE_BYTES * WIRE_HZ)

    async def _send(self, kind: str, **fields: Any) -> None:
        await self._line.send(json.dumps({"type": kind, **fields}))
