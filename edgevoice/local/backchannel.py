"""Backchannels: short words while the user speaks, in a stream separate from every response, until silenced."""

import asyncio
import base64

from edgevoice.local.audio_format import AudioFormat
from edgevoice.local.socket import EventSender
from edgevoice.local.speech import voice

_DELTA_MS = 100


class Backchannels:
    """Send backchannels at ``pace`` times real time; `silence` stops all of them."""

    def __init__(self, line: EventSender, voice: voice.Voice, pace: float) -> None:
        self._line = line
        self._voice = voice
        self._pace = pace
        self._silenced = asyncio.Event()
        self._writing = asyncio.Lock()

    async def say(self, words: str, speed: float, form: AudioFormat) -> None:
        """Say ``words`` in ``form``; return when they are sent, or silenced.

        A silenced backchannel has no ``response.backchannel.audio.done``, because its words were not all said. Raises
        ConnectionClosed if the client has left.
        """
        silenced = self._silenced
        where = {"backchannel_id": self._line.new_id("bc")}
        pcm = await asyncio.to_thread(self._voice.say, words, speed)
        audio = form.encode(pcm, voice.SAMPLE_RATE_HZ)
        size = _DELTA_MS * form.rate_hz // 1000 * form.sample_bytes
        for start in range(0, len(audio), size):
            delta = audio[start : start + size]
            await self._send(silenced, "audio.delta", **where, delta=base64.b64encode(delta).decode())
            await self._pass(silenced, form.duration_ms(len(delta)) / 1000 / self._pace)
        await self._send(silenced, "audio.done", **where, phrase=words)

    async def skip(self, reason: str) -> None:
        """Report that a backchannel was left out."""
        await self._line.send("response.backchannel.skipped", backchannel_id=self._line.new_id("bc"), reason=reason)

    async def silence(self) -> None:
        """Stop what is being said; nothing more of it is sent once this returns."""
        self._silenced.set()
        self._silenced = asyncio.Event()
        # A piece that is about to be sent must not follow the acknowledgement.
        async with self._writing:
            pass

    async def _send(self, silenced: asyncio.Event, kind: str, **fields: str) -> None:
        async with self._writing:
            if not silenced.is_set():
                await self._line.send(f"response.backchannel.{kind}", **fields)

    async def _pass(self, silenced: asyncio.Event, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await silenced.wait()
        except TimeoutError:
            pass  # not acknowledged
