"""A tool that asks a web service: `python examples/http_tool.py "Is it raining in Bergen?"` prints the answer."""

import asyncio
import json
import os
import sys
from urllib.parse import urlencode
from urllib.request import urlopen  # any HTTP client will do

from edgevoice import Agent, tool

FORECAST = os.environ.get("FORECAST_URL", "https://api.open-meteo.com/v1/forecast")


@tool
def get_weather(latitude: float, longitude: float) -> dict[str, object]:
    """Tell the weather at a place now.

    latitude: degrees north of the equator
    longitude: degrees east of Greenwich
    """
    # A function that is not asynchronous runs in a thread of its own: the sound goes on meanwhile.
    query = urlencode({"latitude": latitude, "longitude": longitude, "current": "temperature_2m,rain"})
    with urlopen(f"{FORECAST}?{query}", timeout=5) as answer:  # noqa: S310 - the address is ours, not the model's
        return dict(json.load(answer)["current"])


async def main(question: str) -> None:
    """Ask, and print what is said."""
    async with Agent(instructions="Answer in one sentence.", tools=[get_weather]) as agent:
        agent.on("tool_call_start", lambda call: print(f"({call.tool} {call.arguments})"))
        print(await agent.ask(question))


if len(sys.argv) != 2:
    sys.exit(__doc__)
asyncio.run(main(*sys.argv[1:]))
