"""Talk with an agent on this machine's sound card, and interrupt it: `python examples/talk.py`; Ctrl-C ends it."""

import asyncio
from contextlib import suppress
from datetime import datetime

from edgevoice import Agent, RealtimeVoice, tool
from edgevoice.agent.events import Error, Interrupted, ToolCallStart, Writing
from edgevoice.agent.soundcard import SoundCard


@tool
def get_current_time() -> str:
    """Tell what time it is."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


async def main() -> None:
    """Talk until the conversation or the program ends."""
    voice = RealtimeVoice(model="openai/gpt-4.1-mini", voice="Sarah")
    agent = Agent(instructions="Answer briefly.", tools=[get_current_time], voice=voice, sound=SoundCard())
    async with agent:
        print("Say something.", flush=True)
        async for event in agent:
            match event:
                case Writing(is_final=True, role=role, text=text):
                    print(f"{role}: {text}", flush=True)
                case ToolCallStart(tool=name):
                    print(f"({name})", flush=True)
                case Interrupted(heard_ms=heard_ms):
                    print(f"(interrupted after {heard_ms} ms)", flush=True)
                case Error(text=text):
                    print(f"({text})", flush=True)


with suppress(KeyboardInterrupt):
    asyncio.run(main())
