"""The local voice in a child process: kept for a while, and replaced when it dies."""

import asyncio
import io
import json
import sys
from typing import Self

import pytest

from edgevoice.box import speech
from edgevoice.box.speech import Speech, serve
from edgevoice.errors import LocalServiceUnavailable
from edgevoice.local.speech.voice import HibariVoice
from tests.waiting import eventually

CHILD = [
    sys.executable,
    "-c",
    """
import json, os, sys
for line in sys.stdin:
    text = json.loads(line)["text"]
    if text == "die":
        sys.exit(1)
    if text == "nonsense":
        print("hello", flush=True)
        continue
    if text == "fail":
        print(json.dumps({"problem": "no voice"}), flush=True)
        continue
    if text == "hang":
        import time
        time.sleep(60)
    spoken = os.getpid().to_bytes(4, "little") * len(text)
    sys.stdout.write(json.dumps({"bytes": len(spoken)}) + chr(10))
    sys.stdout.flush()
    sys.stdout.buffer.write(spoken)
    sys.stdout.buffer.flush()
""",
]


def pid_of(samples: speech.Samples) -> int:
    return int.from_bytes(samples[:2].astype("<i2").tobytes(), "little")


def test_one_child_speaks_several_texts_and_ends_when_nobody_has_needed_it() -> None:
    async def scene() -> None:
        voice = Speech(CHILD, kept_s=0.05)
        first, second = await asyncio.gather(voice.say("good"), voice.say("day"))
        assert (len(first), len(second)) == (8, 6)
        assert pid_of(first) == pid_of(second)
        child = voice._child
        assert child is not None
        await eventually(lambda: voice._child is None)
        await eventually(lambda: child.returncode is not None)
        assert pid_of(await voice.say("x")) != pid_of(first)
        await voice.close()

    asyncio.run(scene())


def test_the_child_ends_with_the_box() -> None:
    async def scene() -> None:
        voice = Speech(CHILD)
        running = asyncio.ensure_future(voice.run(print))
        await voice.say("good")
        child = voice._child
        assert child is not None
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert child.returncode is not None

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("text", "problem"), [("die", "ended unexpectedly"), ("nonsense", "ended unexpectedly"), ("fail", "no voice")]
)
def test_a_child_that_fails_is_one_error_and_the_next_text_is_spoken(text: str, problem: str) -> None:
    async def scene() -> None:
        voice = Speech(CHILD)
        with pytest.raises(LocalServiceUnavailable, match=problem):
            await voice.say(text)
        assert len(await voice.say("ab")) == 4
        await voice.close()

    asyncio.run(scene())


def test_a_child_that_hangs_or_is_no_longer_wanted_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        voice = Speech(CHILD)
        saying = asyncio.ensure_future(voice.say("hang"))
        await eventually(lambda: voice._child is not None)
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)
        assert voice._child is None
        monkeypatch.setattr(speech, "_LIMIT_S", 0.05)
        with pytest.raises(LocalServiceUnavailable, match="did not speak within"):
            await voice.say("hang")
        await voice.close()

    asyncio.run(scene())


def test_a_child_that_cannot_be_started_is_one_error() -> None:
    async def scene() -> None:
        voice = Speech(["/nonexistent/python"])
        with pytest.raises(LocalServiceUnavailable, match="cannot be started: No such file"):
            await voice.say("x")
        await voice.close()

    asyncio.run(scene())


class Loud(HibariVoice):
    """Speaks as many bytes as there are letters."""

    @classmethod
    def load(cls) -> Self:
        return cls(None)

    def say(self, sentence: str, speed: float) -> bytes:
        return sentence.encode()


class Missing(HibariVoice):
    """A voice that is not installed."""

    @classmethod
    def load(cls) -> Self:
        raise LocalServiceUnavailable("The voice hibari-tts is not installed")


def test_the_child_answers_each_line_with_its_sound_or_the_problem() -> None:
    out = io.BytesIO()
    serve(io.StringIO('{"text": "One. Two."}\n'), out, Loud)
    head, _, sound = out.getvalue().partition(b"\n")

    assert json.loads(head) == {"bytes": len(sound)}
    assert sound.startswith(b"One.")
    assert sound.endswith(b"Two.")

    out = io.BytesIO()
    serve(io.StringIO('{"text": "x"}\n'), out, Missing)
    assert json.loads(out.getvalue()) == {"problem": "The voice hibari-tts is not installed"}


def test_the_real_child_speaks_with_the_real_voice() -> None:
    async def scene() -> int:
        voice = Speech()
        try:
            return len(await voice.say("Yes."))
        finally:
            await voice.close()

    assert speech.has_voice()
    assert asyncio.run(scene()) > 24_000 * 0.2
