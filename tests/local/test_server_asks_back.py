"""A misheard number sets no timer: the service asks first, on the wire as in the room."""

import asyncio

from edgevoice.local.server import LocalService
from edgevoice.local.speech.recogniser import Unsure
from edgevoice.local.speech.voice import HibariVoice
from tests.local.client import Client, dialled, question

SEMANTIC = {"type": "semantic_vad", "eagerness": "high", "create_response": True}
TIMER = {"type": "function", "name": "set_timer", "parameters": {"properties": {"seconds": {"type": "integer"}}}}


class Hears:
    """A recogniser whose result the test sets."""

    def __init__(self) -> None:
        self.next = ""

    def words(self, speech: bytes) -> str:
        return self.next


def test_an_uncertain_command_is_confirmed_and_carried_out_after_a_yes(voice: HibariVoice) -> None:
    hears = Hears()
    sound = question(voice, "What can you do?")

    async def turn(client: Client, words: str) -> dict[str, object]:
        hears.next = words
        client.forget()
        await client.speak(sound)
        (output,) = (await client.answered())["output"]
        assert isinstance(output, dict)
        return output

    async def scene() -> None:
        service = LocalService(voice=voice, recogniser=hears, pace=1000.0)
        async with service, dialled(service, turn_detection=SEMANTIC, tools=[TIMER]) as client:
            asked = await turn(client, Unsure("set a timer for ten minutes"))
            assert asked["content"] == [{"type": "output_audio", "transcript": "A timer for ten minutes?"}]
            assert client.events[-1]["type"] == "response.done"

            corrected = await turn(client, Unsure("no twenty"))
            assert corrected["content"] == [{"type": "output_audio", "transcript": "A timer for twenty minutes?"}]

            done = await turn(client, "yes")
            assert (done["name"], done["arguments"]) == ("set_timer", '{"seconds":1200}')

    asyncio.run(scene())
