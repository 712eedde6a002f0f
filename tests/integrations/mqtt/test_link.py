"""The box at a broker, in virtual time: what it shows, what it obeys, and that the broker can do it no harm."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from edgevoice.core.announcements import RingDue, RingOutcome, StopWordHeard
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import Event, TalkPressed, WakeWordHeard
from edgevoice.core.guest_facts import GuestFailed, GuestRestored
from edgevoice.core.notices import Notice, PhaseEntered, RingingBegan, Role, TranscriptChanged
from edgevoice.core.orders import MuteMicrophone, ReportRing
from edgevoice.core.panel_facts import EarconVolumeSet, MuteSwitched
from edgevoice.integrations.control.commands import BoxHandles
from edgevoice.integrations.control.speaking import SpokenRequests
from edgevoice.integrations.guest import Guest
from edgevoice.integrations.mqtt.broker import Broker, BrokerFlooded, BrokerMessage, BrokerUnavailable
from edgevoice.integrations.mqtt.link import MqttLink, MqttMeans
from edgevoice.integrations.mqtt.state import RingSummary
from edgevoice.integrations.mqtt.topics import Topics
from tests import virtual_time
from tests.integrations.control.conftest import Mouth, Personas, Speaker, at_once, echo_timers, letters

TOPICS = Topics("0123456789ab")


@dataclass
class FakeBroker:
    """A broker that keeps what it is sent, and sends what a test puts into ``inbox``; an error ends the connection."""

    published: list[tuple[str, Any, bool]] = field(default_factory=list)
    inbox: "asyncio.Queue[BrokerMessage | BrokerUnavailable]" = field(default_factory=asyncio.Queue)
    subscribed: list[str] = field(default_factory=list)
    is_stuck: bool = False

    async def publish(self, topic: str, payload: bytes | str, *, is_retained: bool = False) -> None:
        content = payload if topic == TOPICS.available else json.loads(payload)
        self.published.append((topic, content, is_retained))

    async def subscribe(self, topic: str) -> None:
        self.subscribed.append(topic)

    async def messages(self) -> AsyncIterator[BrokerMessage]:
        while True:
            found = await self.inbox.get()
            if isinstance(found, BrokerUnavailable):
                raise found
            yield found

    async def check(self) -> None:
        if self.is_stuck:
            raise BrokerUnavailable("the thread mqtt does not answer")

    def hurry(self) -> None:
        """Be quick."""

    def on(self, topic: str) -> list[Any]:
        return [content for name, content, _ in self.published if name == topic]


class Home:
    """A box, its broker, and the time between."""

    def __init__(self, *, words: bool = False) -> None:
        self.brokers: list[FakeBroker] = []
        self.refusals: list[BrokerUnavailable] = []
        self.facts: list[Event] = []
        self.speaker, self.personas, self.mouth = Speaker(), Personas(), Mouth()
        self.rings: list[RingSummary] = []
        self.connected_at: list[float] = []
        handles = BoxHandles(
            "1.2",
            lambda: 7,
            self.speaker,
            lambda: "",
            speaking=SpokenRequests(self.mouth, letters, lambda: False, at_once),
            timers=echo_timers,
            personas=self.personas,
        )
        means = MqttMeans(TOPICS, "Kitchen", self._connect, self._rings, lambda: 1.5, words=words, chance=lambda: 1.0)
        self.link = MqttLink(handles, means)

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[Broker]:
        self.connected_at.append(asyncio.get_running_loop().time())
        if self.refusals:
            raise self.refusals.pop(0)
        broker = FakeBroker()
        self.brokers.append(broker)
        yield broker  # type: ignore[misc]  # has what the link uses of a broker

    async def _rings(self) -> Sequence[RingSummary]:
        return self.rings

    def see(self, *notices: Notice) -> None:
        for notice in notices:
            self.link.observe(notice, 0.0)

    def report(self, fact: Event) -> None:
        self.facts.append(fact)
        self.see(fact)

    @property
    def broker(self) -> FakeBroker:
        return self.brokers[-1]

    async def order(self, command: str, payload: bytes | str, *, is_retained: bool = False) -> None:
        content = payload.encode() if isinstance(payload, str) else payload
        self.broker.inbox.put_nowait(BrokerMessage(TOPICS.command(command), content, is_retained))
        await asyncio.sleep(0.5)

    def replies(self) -> list[Any]:
        return self.broker.on(TOPICS.reply)


def live(scene: Callable[[Home], Awaitable[None]], *, words: bool = False) -> Home:
    """Run a scene with a box that has just connected."""

    async def run() -> Home:
        home = Home(words=words)
        guest = Guest("mqtt", lambda: home.link, proves_itself=True)
        running = asyncio.ensure_future(guest.run(home.report))
        await asyncio.sleep(1)
        try:
            await scene(home)
            assert not running.done(), running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        return home

    return virtual_time.run(run())


async def nothing(_home: Home) -> None:
    """Let nothing happen."""


def test_the_box_announces_itself_before_it_is_available_and_says_when_it_goes() -> None:
    broker = live(nothing).broker

    topics = [(topic, retained) for topic, _, retained in broker.published]
    assert topics == [
        (TOPICS.document, True),
        (TOPICS.state, True),
        (TOPICS.available, True),
        (TOPICS.available, True),
    ]
    assert broker.on(TOPICS.available) == ["online", "offline"]
    assert broker.subscribed == [TOPICS.command("+")]


def test_a_box_in_which_nothing_happens_publishes_nothing() -> None:
    async def scene(home: Home) -> None:
        count = len(home.broker.published)
        await asyncio.sleep(3600)
        assert len(home.broker.published) == count

    live(scene)


def test_what_changes_is_published_once_and_what_happens_as_an_event() -> None:
    async def scene(home: Home) -> None:
        home.see(WakeWordHeard("hey_jarvis", 0.98, 7), PhaseEntered(Phase.CONNECTING), PhaseEntered(Phase.LISTENING))
        await asyncio.sleep(1)

    broker = live(scene).broker

    assert [state["phase"] for state in broker.on(TOPICS.state)] == ["idle", "listening"]
    assert broker.on(TOPICS.state)[-1]["wake_score"] == 0.98
    assert broker.on(TOPICS.event("wake")) == [{"event_type": "wake_word", "word": "hey_jarvis", "score": 0.98}]


def test_a_timer_that_somebody_set_is_shown_and_its_ring_is_an_event_of_timers() -> None:
    async def scene(home: Home) -> None:
        home.rings.append(RingSummary(4, is_timer=True, due_wall_s=1_800_000_000.0, label="pasta"))
        await asyncio.sleep(11)
        home.see(RingDue(4))
        await asyncio.sleep(1)

    broker = live(scene).broker

    assert broker.on(TOPICS.state)[-1]["next_timer"].startswith("2027-01-15")
    assert broker.on(TOPICS.event("timer")) == [{"event_type": "due"}]


def test_a_timer_that_rings_a_moment_after_it_was_set_is_an_event_of_timers_too() -> None:
    async def scene(home: Home) -> None:
        home.rings.append(RingSummary(4, is_timer=True, due_wall_s=1_800_000_000.0, label="egg"))
        await asyncio.sleep(2)
        home.see(RingDue(4))
        await asyncio.sleep(1)
        home.rings.clear()
        home.see(ReportRing(4, RingOutcome.STOPPED))
        await asyncio.sleep(1)

    broker = live(scene, words=True).broker

    assert broker.on(TOPICS.event("alarm")) == []
    assert broker.on(TOPICS.event("timer")) == [
        {"event_type": "due", "label": "egg"},
        {"event_type": "stopped", "label": "egg"},
    ]


def test_words_do_not_leave_by_themselves() -> None:
    async def scene(home: Home) -> None:
        home.see(TranscriptChanged(Role.USER, "i", "my secret", is_final=True))
        await asyncio.sleep(1)

    assert "my secret" not in str(live(scene).broker.published)


def test_orders_do_what_they_say() -> None:
    async def scene(home: Home) -> None:
        await home.order("volume", "10")
        await home.order("earcons", "20")
        await home.order("persona", "pirate")
        home.see(RingingBegan())
        await home.order("snooze", "PRESS")
        await home.order("mute", "ON")
        assert (
            home.broker.on(TOPICS.state)[-1] | {"volume": 10, "earcons": 20, "persona": "pirate"}
            == (home.broker.on(TOPICS.state)[-1])
        )

    home = live(scene)

    assert (home.speaker.volume_percent, home.speaker.earcon_percent, home.personas.persona) == (10, 20, "pirate")
    assert home.facts == [EarconVolumeSet(20), StopWordHeard(is_snooze=True), MuteSwitched(is_muted=True)]


def test_a_button_of_home_assistant_is_not_reported_back_as_a_press_of_the_boxs_own() -> None:
    async def scene(home: Home) -> None:
        home.see(PhaseEntered(Phase.SPEAKING))
        await home.order("talk", "PRESS")
        home.see(TalkPressed(9))
        await asyncio.sleep(1)

    home = live(scene)

    assert home.facts == [TalkPressed(7)]
    assert home.broker.on(TOPICS.event("button")) == [{"event_type": "talk"}]


def test_a_muted_microphone_is_not_opened_unless_the_settings_allow_it() -> None:
    async def scene(home: Home) -> None:
        home.see(MuteMicrophone())
        await home.order("mute", "OFF")

    home = live(scene)

    assert home.facts == []
    assert home.replies()[0]["error"]["code"] == "unmute-refused"
    assert home.broker.on(TOPICS.state)[-1]["mute"] == "ON"


@pytest.mark.parametrize(
    ("payload", "id_"),
    [
        ('{"say": "", "id": "g1"}', "g1"),
        ('{"say": "Tea?", "priority": 1, "id": 0}', 0),
        ('{"say": "Tea?", "id": {}}', ""),
        ('{"id": "g1"', ""),
        ("[]", ""),
    ],
)
def test_a_question_that_is_refused_is_answered_with_its_id_if_it_has_one(payload: str, id_: object) -> None:
    async def scene(home: Home) -> None:
        await home.order("ask", payload)

    (reply,) = live(scene).replies()

    assert (reply["id"], reply["do"], reply["ok"], reply["error"]["code"]) == (id_, "ask", False, "bad-request")


def test_a_question_with_the_number_0_is_answered_with_it() -> None:
    async def scene(home: Home) -> None:
        home.mouth.over.set()
        await home.order("ask", '{"say": "Tea?", "id": 0}')

    assert [reply["id"] for reply in live(scene).replies()] == [0]


@pytest.mark.parametrize("words", [True, False])
def test_a_question_is_asked_and_the_reply_comes_back_with_its_id(*, words: bool) -> None:
    async def scene(home: Home) -> None:
        home.mouth.over.set()
        await home.order("ask", '{"say": "Tea?", "context": "It is five.", "id": "7"}')

    home = live(scene, words=words)

    (reply,) = home.replies()
    assert (reply["id"], reply["outcome"], reply["replied"]) == ("7", "played", True)
    assert reply.get("understood") == ("yes to Tea?" if words else None)
    assert home.mouth.contexts == ["It is five."]


def test_at_most_four_things_wait_to_be_said() -> None:
    async def scene(home: Home) -> None:
        for number in range(5):
            await home.order("say", f"Number {number}")

    home = live(scene)

    assert [reply["error"]["code"] for reply in home.replies()] == ["too-many"]


@pytest.mark.parametrize(
    ("command", "payload", "code"),
    [("dance", "PRESS", "bad-request"), ("persona", "nobody", "bad-request"), ("voice", "broken", "failed")],
)
def test_an_order_that_is_not_carried_out_is_answered_with_the_reason(command: str, payload: str, code: str) -> None:
    home = live(lambda home: home.order(command, payload))

    (reply,) = home.replies()
    assert (reply["do"], reply["ok"], reply["error"]["code"]) == (command, False, code)


def test_what_the_broker_kept_from_yesterday_is_not_obeyed(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(home: Home) -> None:
        for _ in range(3):
            await home.order("volume", "100", is_retained=True)

    home = live(scene)

    assert home.speaker.volume_percent == 50
    # Once, not for each.
    assert [record.msg for record in caplog.records].count("mqtt-order-ignored") == 1


def test_orders_that_come_too_fast_are_dropped_and_later_ones_are_obeyed() -> None:
    async def scene(home: Home) -> None:
        for percent in range(100):
            home.broker.inbox.put_nowait(BrokerMessage(TOPICS.command("volume"), b"%d" % percent, is_retained=False))
        await asyncio.sleep(1)
        assert home.speaker.volume_percent == 19
        await asyncio.sleep(10)
        await home.order("volume", "60")
        assert home.speaker.volume_percent == 60

    live(scene)


def test_a_lost_broker_is_dialled_again_after_growing_delays_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(home: Home) -> None:
        home.refusals += [BrokerUnavailable("gone") for _ in range(4)]
        await asyncio.sleep(100)
        home.broker.inbox.put_nowait(BrokerUnavailable("gone"))
        await asyncio.sleep(100)

    home = live(scene)

    gaps = [later - sooner for sooner, later in zip(home.connected_at[1:], home.connected_at[2:], strict=False)]
    assert gaps == sorted(gaps)
    assert len(home.connected_at) == 6
    # A new connection announces everything again.
    assert home.broker.on(TOPICS.document)
    lost = [record for record in caplog.records if record.msg == "mqtt-lost" and record.levelname == "WARNING"]
    assert len(lost) == 1


def test_a_broker_that_stays_away_is_reported_until_it_is_back() -> None:
    async def scene(home: Home) -> None:
        home.refusals += [BrokerUnavailable("wrong password") for _ in range(3)]
        home.broker.inbox.put_nowait(BrokerUnavailable("gone"))
        await asyncio.sleep(100)

    facts = live(scene).facts

    failed = GuestFailed("mqtt", "mqtt-broker", "wrong password", BrokerUnavailable.remedy)
    assert facts == [failed, failed, failed, GuestRestored("mqtt")]


def test_a_broker_that_was_only_started_again_is_not_reported() -> None:
    async def scene(home: Home) -> None:
        home.broker.inbox.put_nowait(BrokerUnavailable("gone"))
        await asyncio.sleep(100)

    home = live(scene)

    assert (len(home.connected_at), home.facts) == (2, [])


def test_a_connection_whose_thread_hangs_is_given_up_and_opened_again() -> None:
    async def scene(home: Home) -> None:
        home.broker.is_stuck = True
        await asyncio.sleep(15)

    assert len(live(scene).connected_at) == 2


def test_a_flood_keeps_the_box_away_for_minutes() -> None:
    async def scene(home: Home) -> None:
        home.broker.inbox.put_nowait(BrokerFlooded("too many"))
        await asyncio.sleep(299)
        assert len(home.connected_at) == 1
        assert [type(fact) for fact in home.facts] == [GuestFailed]
        await asyncio.sleep(10)
        assert len(home.connected_at) == 2

    live(scene)
