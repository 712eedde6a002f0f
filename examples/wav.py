"""Answer a recording: `python examples/wav.py question.wav answer.wav`."""

import asyncio
import sys
import wave

from edgevoice import Agent
from edgevoice.agent.events import Error, Speaking, TurnDone, Writing


async def main(question: str, answer: str) -> None:
    """Send a mono 16-bit recording, and write what the voice says into another."""
    with wave.open(question) as recording:
        if (recording.getnchannels(), recording.getsampwidth()) != (1, 2):
            sys.exit(f"{question}: expected one channel of 16-bit samples")
        rate_hz, pcm = recording.getframerate(), recording.readframes(recording.getnframes())
    agent = Agent(instructions="Answer in one sentence.", input_rate_hz=rate_hz)
    with wave.open(answer, "wb") as spoken:
        spoken.setparams((1, 2, 24_000, 0, "NONE", ""))
        async with agent:
            events = agent.events()
            agent.send(pcm + bytes(4 * rate_hz))  # two seconds of silence end the turn
            async for event in events:
                match event:
                    case Speaking(audio=audio):
                        spoken.writeframes(audio)
                    case Writing(is_final=True, role=role, text=text):
                        print(f"{role}: {text}")
                    case Error(text=text):
                        print(text, file=sys.stderr)
                    case TurnDone():
                        return


if len(sys.argv) != 3:
    sys.exit(__doc__)
asyncio.run(main(*sys.argv[1:]))
