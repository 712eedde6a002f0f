"""Serve an agent to browsers and phones: `python examples/relay.py 8765`.

A client sends and gets mono 16-bit samples at 24 kHz as binary frames, and gets what happens as JSON text frames. At
"interrupted" it forgets what it has not played yet. Every client has a conversation of its own.
"""

import asyncio
import json
import sys

from websockets.asyncio.server import ServerConnection, serve

from edgevoice import Agent
from edgevoice.agent.events import Interrupted, Speaking, TurnDone, Writing


async def tell(agent: Agent, client: ServerConnection) -> None:
    """Send a client what it is to play, and what it may show."""
    async for event in agent:
        match event:
            case Speaking(audio=audio):
                await client.send(audio)
            case Writing(text=text, role=role):
                await client.send(json.dumps({"type": event.name, "role": role, "text": text}))
            case Interrupted() | TurnDone():
                await client.send(json.dumps({"type": event.name}))


async def talk(client: ServerConnection) -> None:
    """Hold one client's conversation."""
    async with Agent(instructions="Answer in one sentence.") as agent, asyncio.TaskGroup() as group:
        telling = group.create_task(tell(agent, client))
        async for frame in client:
            if isinstance(frame, bytes):
                agent.send(frame)
        telling.cancel()


async def main(port: str) -> None:
    """Serve this machine's own clients; put a proxy with TLS and a login before it for others."""
    async with serve(talk, "127.0.0.1", int(port)) as server:
        print("ready", flush=True)
        await server.serve_forever()


if len(sys.argv) != 2 or not sys.argv[1].isdecimal():
    sys.exit(__doc__)
asyncio.run(main(*sys.argv[1:]))
