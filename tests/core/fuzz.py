"""Frames that a broken or hostile service could send, and a box that has to survive them."""

import copy
import json
import random
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from edgevoice.audio.backchannel import BackchannelMixer
from edgevoice.core.conversation.conversation import Conversation
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.facts import (
    DeadlinePassed,
    Event,
    NearSpeechBegan,
    NearSpeechConfirmed,
    TalkPressed,
    ToolCall,
    ToolFinished,
    WakeWordHeard,
)
from edgevoice.core.protocol import wire
from edgevoice.core.protocol.downlink import Downlink
from edgevoice.core.sound.playout import Playout
from edgevoice.engine import Adapters, Engine
from tests.fakes import Diary, FakeFarEnd, FakeNearEnd, FakePanel, FakeService, Told

DATA = Path(__file__).parents[1] / "data"

Frame = str | bytes


def _sent_by_the_service(name: str) -> list[str]:
    events = [json.loads(line) for line in (DATA / name).read_text().splitlines()]
    return [json.dumps(event) for event in events if event.pop("_dir", "s") == "s"]


SESSION = _sent_by_the_service("session.jsonl")
BARGE_IN = [frame for frame in SESSION if json.loads(frame)["event_id"] < "event_36"] + _sent_by_the_service(
    "session-barge-in.jsonl"
)
EVERY_EVENT = _sent_by_the_service("server-events.jsonl") + _sent_by_the_service("errors.jsonl")
TYPES = sorted({json.loads(frame).get("type", "") for frame in EVERY_EVENT + SESSION})
IDS = ["resp_1", "resp_2", "item_A2", "item_F1", "item_U1", "call_1", "call_2", "", "r" * 300]
TENTH_OF_A_SECOND = "EBAg" * 1600

VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**31,
    2**63,
    -(2**63) - 1,
    2**64,
    2**200,
    0.5,
    1e308,
    "",
    "\x00",
    "a" * 5000,
    "\U0001f600\u2028",
    "*** no base64 ***",
    "AAA",
    "AAAB",
    TENTH_OF_A_SECOND,
    [],
    [None],
    [[]],
    {},
    {"": {}},
    {"id": 7, "output": [{"type": "function_call", "call_id": "call_9", "name": "", "status": "completed"}]},
    "completed",
    "cancelled",
    "failed",
    "incomplete",
    "in_progress",
    "function_call",
]
RAW = ["NaN", "-Infinity", "1e999", '"\\ud800"', "[" * 2000, "{" * 5, '"', "tru", "\u0000", "//", "007"]


def _with_sound(frame: str) -> str:
    event = json.loads(frame)
    if event.get("type") == "response.output_audio.delta":
        event["delta"] = TENTH_OF_A_SECOND
    return json.dumps(event)


def odd(number: int) -> Any:
    """Return one of the values, which the caller may keep and change."""
    return copy.deepcopy(VALUES[number])


class Mutator:
    """An endless source of broken sessions; the same ``seed`` gives the same sessions."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def session(self) -> Iterator[tuple[Frame, bool]]:
        """Yield the frames of one session, and whether each was mutated.

        Some are intact, most are broken; some are missing, repeated or out of order.
        """
        chance = self._chance
        frames = chance.choice([SESSION, SESSION, BARGE_IN, EVERY_EVENT])
        # The three samples in the documentation are too short to be interrupted.
        frames = [_with_sound(frame) if chance.random() < 0.8 else frame for frame in frames]
        if chance.random() < 0.3:
            chance.shuffle(frames)
        share = chance.choice([0.1, 0.5, 1.0])
        for frame in frames:
            times = 5 if len(frame) > 1000 else 1
            for _ in range(times * chance.choice([0, 1, 1, 1, 1, 1, 1, 1, 2, 4])):
                made = self._mutated(frame) if chance.random() < share else frame
                yield made, made != frame

    def _mutated(self, frame: str) -> Frame:
        how = self._chance.choice([self._other_value, self._other_value, self._other_fields, self._other_text])
        made = how(frame)
        return self._other_bytes(made.encode("utf-8", "surrogatepass")) if self._chance.random() < 0.15 else made

    def _other_value(self, frame: str) -> str:
        chance = self._chance
        event = json.loads(frame)
        for _ in range(chance.choice([1, 1, 2, 3])):
            holder, key = self._place(event)
            match chance.randrange(4):
                case 0:
                    holder[key] = odd(chance.randrange(len(VALUES)))
                case 1 if key == "type":
                    holder[key] = chance.choice(TYPES)
                case 2:
                    holder[key] = f"{chance.choice(IDS)}{chance.choice(['', str(chance.randrange(9))])}"
                case _:
                    holder[key] = (
                        chance.choice(IDS) if isinstance(holder[key], str) else odd(chance.randrange(len(VALUES)))
                    )
        return json.dumps(event, ensure_ascii=chance.random() < 0.5)

    def _other_fields(self, frame: str) -> str:
        chance = self._chance
        event = json.loads(frame)
        holder, key = self._place(event)
        match chance.randrange(4):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[chance.choice(["response", "item", "delta", "usage", "error", "x" * 1000])] = holder.pop(key)
            case 2 if isinstance(holder, dict):
                holder["response"] = json.loads(chance.choice(SESSION)).get("response", {})
            case _:
                holder[key] = [holder[key]] * chance.choice([1, 2, 50])
        return json.dumps(event)

    def _other_text(self, frame: str) -> str:
        chance = self._chance
        begin = chance.randrange(len(frame))
        end = min(len(frame), begin + chance.choice([0, 1, 2, 8, 60]))
        match chance.randrange(5):
            case 0:
                return frame[:begin]
            case 1:
                return frame[:begin] + frame[end:]
            case 2:
                return frame[:end] + frame[begin:]
            case 3:
                other = chance.choice(EVERY_EVENT)
                return frame[:begin] + other[chance.randrange(len(other)) :]
            case _:
                return frame[:begin] + chance.choice(RAW) + frame[end:]

    def _other_bytes(self, frame: bytes) -> bytes:
        chance = self._chance
        made = bytearray(frame)
        for _ in range(chance.choice([1, 1, 3, 10]) if made else 0):
            made[chance.randrange(len(made))] = chance.randrange(256)
        return bytes(made)

    def _place(self, event: Any) -> tuple[Any, Any]:
        """Return a container somewhere in the event and a key or index in it."""
        places: list[tuple[Any, Any]] = []
        todo = [event]
        while todo:
            holder = todo.pop()
            keys = range(len(holder)) if isinstance(holder, list) else list(holder)
            places += [(holder, key) for key in keys]
            todo += [holder[key] for key in keys if isinstance(holder[key], dict | list) and holder[key]]
        return self._chance.choice(places)


class Loudspeaker(FakeFarEnd):
    """A real playout buffer, and a real one for backchannels."""

    def __init__(self, diary: Diary) -> None:
        super().__init__(diary)
        self.playout = Playout(prefill_ms=80)
        self._backchannels = BackchannelMixer()

    def play(self, item_id: str, content_index: int, pcm: bytes) -> int | None:
        return self.playout.push(item_id, content_index, pcm)

    def finish_item(self, item_id: str) -> None:
        self.playout.finish_item(item_id)

    def finish(self) -> None:
        self.playout.finish()

    def cut(self, *, keeps_rest: bool) -> None:
        self.playout.cut(keeps_rest=keeps_rest)

    def resume(self) -> int:
        return self.playout.resume()

    def drop(self) -> None:
        self.playout.drop()

    def play_backchannel(self, backchannel_id: str, pcm: bytes) -> bool:
        return self._backchannels.push(backchannel_id, pcm)

    def finish_backchannel(self, backchannel_id: str) -> None:
        self._backchannels.finish(backchannel_id)

    def skip_backchannel(self, backchannel_id: str) -> None:
        self._backchannels.skip(backchannel_id)

    def stop_backchannel(self) -> None:
        self._backchannels.stop()


class Workbench:
    """Tools that end when `FuzzedBox` lets them."""

    def __init__(self) -> None:
        self.calls: list[ToolCall] = []

    def run(self, call: ToolCall) -> None:
        self.calls.append(call)

    def abandon(self, call_ids: Collection[str]) -> None:
        """Go on: they end when `FuzzedBox` lets them."""


class FuzzedBox:
    """The real engine, conversation, downlink and playout in virtual time. Needs a running loop."""

    def __init__(self, policy: Policy) -> None:
        self._diary = Diary()
        self._speaker = Loudspeaker(self._diary)
        self._tools = Workbench()
        self._downlink = Downlink()
        self._now = 0.0
        self.is_open = False
        self.conversation = Conversation(policy, lambda: 0.5)
        adapters = Adapters(
            FakeService(self._diary), FakeNearEnd(self._diary), self._speaker, FakePanel(self._diary), self._tools
        )
        self.engine = Engine(self.conversation, adapters, lambda: self._now)
        self.engine.start()
        self.refused = 0
        self.mutated = 0
        self.phases: set[Phase] = set()

    @property
    def queued_s(self) -> float:
        """Upper bound of the answer audio that is still to be heard."""
        return self._speaker.playout._queue.queued / 24_000

    def open(self) -> None:
        """Wake the box and let the service accept the session."""
        self.tell(WakeWordHeard("word", 0.9, 0))
        assert self.is_open
        self._downlink = Downlink()
        self.engine.take(self._downlink.take(wire.SessionUpdated()))
        assert self.conversation.phase is Phase.LISTENING

    def receive(self, frame: Frame, *, is_mutated: bool = False) -> None:
        """Take a frame as the link does; drop it when the box has hung up."""
        if not self.is_open:
            return
        self.mutated += is_mutated
        try:
            arrivals = self._downlink.take(wire.decode(frame))
        except wire.WireError:
            self.refused += 1
            return
        self.engine.take(arrivals)
        self._check()

    def tell(self, fact: Event) -> None:
        self.engine.report(fact)
        self._check()

    def live(self, chance: random.Random) -> None:
        """Do what happens outside the wire: time passes, tools end, a user speaks or presses the button."""
        match chance.randrange(12):
            case 0 | 1 | 2:
                self.pass_time(chance.choice([0.02, 0.3, 2.0]))
            case 3:
                self.finish_tools()
            case 4:
                self.tell(NearSpeechBegan(0))
                self.tell(NearSpeechConfirmed(0))
            case 5 if chance.random() < 0.2:
                self.tell(TalkPressed(0))
            case _:
                pass

    def finish_tools(self) -> None:
        calls, self._tools.calls = self._tools.calls, []
        for call in calls:
            self.tell(ToolFinished(call.call_id, "{}"))

    def pass_time(self, seconds: float) -> None:
        """Let time pass: the speaker plays, and every deadline fires when it is due."""
        end = self._now + seconds
        while self._now < end:
            step_s = min(0.25, end - self._now)
            self._now += step_s
            _, fact = self._speaker.playout.pull(round(24_000 * step_s))
            if fact is not None:
                self.tell(fact)
            while (at := self.conversation.deadline) is not None and at <= self._now:
                self.tell(DeadlinePassed())

    def settle(self, within_s: float) -> None:
        """Stop sending: the box must hang up by itself in time, whatever was sent before."""
        limit_s = self._now + within_s + self.queued_s
        while self.conversation.phase is not Phase.IDLE:
            assert self._now < limit_s, f"still {self.conversation.phase} after {within_s} s"
            self.finish_tools()
            self.pass_time(1.0)
        # A fault light goes out, and no deadline remains.
        self.pass_time(25.0)
        self.finish_tools()
        assert self.conversation.deadline is None
        assert not self.is_open
        assert self._speaker.playout.is_idle

    def _check(self) -> None:
        told, self._diary.told = self._diary.told, []
        for what in told:
            self._encode(what)
        self.phases.add(self.conversation.phase)
        if self.conversation.phase is not Phase.IDLE:
            assert self.conversation.deadline is not None, f"waits in {self.conversation.phase} without end"

    def _encode(self, told: Told) -> None:
        """Do what the link does with an order: values from the service must be valid on the wire again."""
        match told:
            case ("service.open", *_):
                self.is_open = True
            case ("service.close",):
                self.is_open = False
            case ("service.truncate", str(item_id), int(index), int(heard_ms)):
                wire.truncate_item(item_id, index, heard_ms)
            case ("service.delete", str(item_id)):
                wire.delete_item(item_id)
            case ("service.cancel", str(response_id)):
                wire.cancel_response(response_id)
            case ("service.send_tool_output", str(call_id), str(output)):
                wire.tool_output(call_id, output)
            case _:
                pass  # contains nothing that a service has sent
