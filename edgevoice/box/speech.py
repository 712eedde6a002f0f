"""Speech: turns text into sound with the local voice, in a child process that is kept for a while after its last text.

The voice takes 90 MB and seconds to load: the daemon never loads it, and the child ends when nobody has needed it.
"""

import asyncio
import contextlib
import importlib.util
import json
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from typing import BinaryIO, Final, TextIO

import numpy as np
import numpy.typing as npt

from edgevoice import children, heap
from edgevoice.core.ports import Observer, Report
from edgevoice.errors import LocalServiceUnavailable
from edgevoice.local.speech.voice import HibariVoice, Voice, sentences

KEPT_S: Final = 60.0
"""How long the child is kept after its last text: the next one needs no loading then."""

_LIMIT_S: Final = 180.0
"""Loading takes 3 s on a laptop and half a minute on a slow Pi; then a sentence takes a fraction of its length."""

_PAUSE: Final = bytes(2 * 24_000 * 200 // 1000)
"""Silence between two sentences."""

Samples = npt.NDArray[np.int16]


def has_voice() -> bool:
    """Return whether a voice is installed."""
    return importlib.util.find_spec("hibari") is not None


class Speech(Observer):
    """The local voice of a box, for everything that it says by itself; use it in the loop.

    ``command`` starts the child. It ends some time after its last text, with ``close``, and with the box: as an
    observer it sees nothing, and closes when it is cancelled.
    """

    def __init__(self, command: Sequence[str] | None = None, *, kept_s: float = KEPT_S) -> None:
        self._command = command or children.python("edgevoice.box.speech")
        self._kept_s = kept_s
        self._turn = asyncio.Lock()
        self._child: Process | None = None
        self._ending: asyncio.Task[None] | None = None

    async def say(self, text: str) -> Samples:
        """Return a text spoken, mono s16 at 24 kHz. Raises ``LocalServiceUnavailable``."""
        async with self._turn:
            if self._ending is not None:
                self._ending.cancel()
            try:
                async with asyncio.timeout(_LIMIT_S):
                    return await self._ask(text)
            except TimeoutError:
                await self._end()
                raise LocalServiceUnavailable(f"the voice did not speak within {_LIMIT_S:.0f} s") from None
            except asyncio.CancelledError:
                # What it would still write belongs to nobody.
                await self._end()
                raise
            finally:
                self._ending = asyncio.ensure_future(self._end_later())

    async def run(self, _report: Report) -> None:
        """Wait for the end of the box, and end the child with it."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self.close()

    async def close(self) -> None:
        """End the child, if it runs."""
        if self._ending is not None:
            self._ending.cancel()
        await self._end()

    async def _ask(self, text: str) -> Samples:
        if self._child is None or self._child.returncode is not None:
            try:
                self._child = await children.start(self._command)
            except OSError as error:
                raise LocalServiceUnavailable(f"the voice's process cannot be started: {error.strerror}") from None
        to, back = self._child.stdin, self._child.stdout
        if to is None or back is None:
            raise RuntimeError("the child has no pipes")
        try:
            to.write(json.dumps({"text": text}).encode() + b"\n")
            await to.drain()
            head = json.loads(await back.readline())
            problem = head.get("problem")
            spoken = b"" if problem else await back.readexactly(int(head["bytes"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, asyncio.IncompleteReadError):
            await self._end()
            raise LocalServiceUnavailable("the voice's process has ended unexpectedly") from None
        if problem:
            raise LocalServiceUnavailable(str(problem))
        return np.frombuffer(spoken, "<i2").astype(np.int16)

    async def _end_later(self) -> None:
        await asyncio.sleep(self._kept_s)
        async with self._turn:
            await self._end()

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await children.end(child)


def serve(texts: TextIO, out: BinaryIO, load: type[HibariVoice]) -> None:
    """Speak each line's text into ``out``: a line with the number of bytes, then those. What fails is a line, too."""
    voice: Voice | None = None
    for line in texts:
        try:
            voice = voice or load.load()
            spoken = _PAUSE.join(voice.say(each, 1.0) for each in sentences(json.loads(line)["text"]))
        except LocalServiceUnavailable as error:
            out.write(json.dumps({"problem": str(error)}).encode() + b"\n")
        else:
            out.write(json.dumps({"bytes": len(spoken)}).encode() + b"\n" + spoken)
        out.flush()


def main() -> int:
    """Be the child of `Speech` until its input ends; return the exit status."""
    os.nice(10)
    heap.keep_little()
    # Libraries may print: only our own bytes may go to the parent.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
            serve(sys.stdin, out, HibariVoice)
    return 0


if __name__ == "__main__":
    sys.exit(main())
