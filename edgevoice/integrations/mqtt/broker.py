"""One connection to an MQTT broker: what it is sent, what it says, and what it may not do. MQTT 5, by `aiomqtt`."""

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from edgevoice.errors import EdgevoiceError
from edgevoice.integrations.aside import Aside, AsideEnded
from edgevoice.integrations.control.connection import Allowance
from edgevoice.settings.integrations import MqttSettings
from edgevoice.stand_ins import standing_in

# The library asks it for a proxy where it dials by itself, see `_dial_unbound`; with HTTP and e-mail it takes 0.9 MB.
with standing_in("urllib.request"):
    import aiomqtt
    from aiomqtt.exceptions import MqttConnectError
    from paho.mqtt.enums import MQTTErrorCode
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties
    from paho.mqtt.subscribeoptions import SubscribeOptions

_T = TypeVar("_T")

PATIENCE_S: Final = 8.0
"""How long the broker may take for each step, the TLS handshake and an acknowledgement included."""

_MARGIN_S: Final = 2.0
"""How much longer than the library's own limits the box waits for the library."""

LARGEST_PACKET_BYTES: Final = 32_768

_MOST_WAITING: Final = 100
"""Messages that may wait for us; more are dropped."""

_KEEPALIVE_S: Final = 60
_LOOK_EVERY_S: Final = 10.0

_MESSAGES: Final = (400, 40.0)
"""How many may come at once, and then each second, before the connection is given up."""

# The library's own log would repeat topics, and a line for each message of a flood.
_silent = logging.getLogger("edgevoice.mqtt-library")
_silent.setLevel(logging.CRITICAL + 1)


class BrokerUnavailable(EdgevoiceError, ConnectionError):
    """The MQTT broker cannot be reached, refused the box, or broke the connection."""

    code = "mqtt-broker"
    remedy = "Check mqtt.host, mqtt.port and that the broker runs; `edgevoice doctor` tries to connect."


class Secret(Protocol):
    """A password that is shown only to the broker."""

    def reveal(self) -> str:
        """Return it."""
        ...


@dataclass(frozen=True, slots=True)
class BrokerMessage:
    """A message of the broker; ``is_retained``: it was sent at some time in the past, and kept for whoever comes."""

    topic: str
    payload: bytes
    is_retained: bool


class BrokerFlooded(BrokerUnavailable):
    """Far more messages come than anybody can mean."""

    remedy = "Find out which client of the broker publishes to the box's topics."


class Inbox:
    """What the broker has sent, handed over from the library's thread to the box's loop; bounded.

    More than some hundred messages within a few seconds are a flood, and end the connection.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[BrokerMessage | BrokerUnavailable] = asyncio.Queue()
        self._allowance = Allowance(time.monotonic, burst=_MESSAGES[0], rate_hz=_MESSAGES[1])

    async def next(self) -> BrokerMessage:
        """Return the next message. Raises ``BrokerUnavailable`` once the connection is lost."""
        found = await self._waiting.get()
        if isinstance(found, BrokerUnavailable):
            raise found
        return found

    # --- in the library's thread --------------------------------------------------------------------------------------

    async def fill(self, client: aiomqtt.Client) -> None:
        """Take messages until the connection is lost."""
        try:
            with _as_ours():
                async for message in client.messages:
                    if not self._allowance.admits():
                        raise BrokerFlooded("too many messages came for the box")
                    self._hand_over(BrokerMessage(str(message.topic), message.payload, message.retain))
        except BrokerUnavailable as error:
            self._hand_over(error)

    def fail(self, error: Exception) -> None:
        """Take that the library itself has failed."""
        # Of what is neither the library's nor the network's only the name: its text may hold what the broker sent.
        is_known = isinstance(error, aiomqtt.MqttError | OSError)
        what = _plain(error) if is_known else type(error).__name__
        self._hand_over(BrokerUnavailable(f"the connection to the broker failed: {what}"))

    def _hand_over(self, item: BrokerMessage | BrokerUnavailable) -> None:
        with contextlib.suppress(RuntimeError):  # the box's loop has ended meanwhile
            self._loop.call_soon_threadsafe(self._waiting.put_nowait, item)


class Broker:
    """A connection that is open."""

    def __init__(self, client: aiomqtt.Client, aside: Aside, inbox: Inbox) -> None:
        self._client = client
        self._aside = aside
        self._inbox = inbox
        self._limit_s = PATIENCE_S + _MARGIN_S

    async def publish(self, topic: str, payload: bytes | str, *, is_retained: bool = False) -> None:
        """Publish a message, and wait until the broker has it. Raises ``BrokerUnavailable``."""
        await self._call(self._client.publish(topic, payload, qos=1, retain=is_retained))

    async def subscribe(self, topic: str) -> None:
        """Be sent what comes from now on, and not what was kept. Raises ``BrokerUnavailable``."""
        # `retainAsPublished` keeps the sign of a message that was sent to be kept: it is no command either.
        options = SubscribeOptions(qos=0, retainAsPublished=True, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
        granted = await self._call(self._client.subscribe(topic, options=options))
        if any((code if isinstance(code, int) else code.value) >= 128 for code in granted):
            raise BrokerUnavailable(
                "the broker does not let the box receive commands", remedy=f"Allow it to read {topic}."
            )

    async def messages(self) -> AsyncIterator[BrokerMessage]:
        """Yield messages until the connection is lost. Raises ``BrokerUnavailable``."""
        while True:
            yield await self._inbox.next()

    def hurry(self) -> None:
        """Wait for the broker no longer than a second from now on: the box is being stopped."""
        self._client.timeout = 1.0
        self._limit_s = _MARGIN_S

    async def check(self) -> None:
        """Raise ``BrokerUnavailable`` if the connection's thread does not work any more."""
        await self._call(asyncio.sleep(0))

    async def _call(self, work: Coroutine[Any, Any, _T]) -> _T:
        with _as_ours():
            return await self._aside.call(work, limit_s=self._limit_s)


@asynccontextmanager
async def connected(
    settings: MqttSettings, password: Secret | None, identifier: str, will: tuple[str, str] | None = None
) -> AsyncIterator[Broker]:
    """Yield a connection; ``will`` is the topic and the text that the broker publishes, retained, if the box is gone.

    Raises ``BrokerUnavailable``, also from within the block.
    """
    inbox = Inbox()
    aside = Aside("mqtt", inbox.fail)
    stack = AsyncExitStack()

    async def enter() -> aiomqtt.Client:
        client = await stack.enter_async_context(_client(settings, password, identifier, will))
        filling = asyncio.ensure_future(inbox.fill(client))
        stack.callback(filling.cancel)
        return client

    try:
        with _as_ours():
            client = await aside.call(enter(), limit_s=2 * PATIENCE_S + _MARGIN_S)
        broker = Broker(client, aside, inbox)
        try:
            yield broker
        finally:
            broker.hurry()
            with contextlib.suppress(aiomqtt.MqttError, AsideEnded):
                await aside.call(stack.aclose(), limit_s=_MARGIN_S)
    finally:
        await aside.close()


class _Client(aiomqtt.Client):
    """Wakes every ten seconds to see whether to ask the broker for a sign of life, where the library does each second.

    The broker waits half as long again as the keep-alive (MQTT 5, 3.1.2.10): 90 s.
    """

    async def _misc_loop(self) -> None:
        while self._client.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS:  # noqa: ASYNC110 - only the clock decides
            await asyncio.sleep(_LOOK_EVERY_S)


def _client(
    settings: MqttSettings, password: Secret | None, identifier: str, will: tuple[str, str] | None
) -> aiomqtt.Client:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # the library has no annotation there
    properties.MaximumPacketSize = LARGEST_PACKET_BYTES
    client = _Client(
        settings.host,
        settings.dialled_port,
        username=settings.username or None,
        password=password.reveal() if password is not None else None,
        identifier=identifier,
        protocol=aiomqtt.ProtocolVersion.V5,
        will=aiomqtt.Will(will[0], will[1], qos=1, retain=True) if will is not None else None,
        clean_start=True,
        timeout=PATIENCE_S,
        keepalive=_KEEPALIVE_S,
        max_queued_incoming_messages=_MOST_WAITING,
        properties=properties,
        tls_context=_tls(settings) if settings.is_encrypted else None,
        logger=_silent,
    )
    _limit_packets(client)
    _dial_unbound(client)
    return client


def _tls(settings: MqttSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca_file or None)
    except OSError as error:
        problem = f"mqtt.ca_file {settings.ca_file} cannot be used: {error.strerror or error}"
        raise BrokerUnavailable(problem, remedy="Name the certificate of the authority, in PEM.") from None


def _limit_packets(client: aiomqtt.Client) -> None:
    """Break the connection to a broker that announces a packet larger than it was asked to send.

    The library would collect up to 256 MB of it.
    """
    library = client._client  # noqa: SLF001 - it has no limit of its own
    receive = library._sock_recv  # noqa: SLF001

    def receive_within_limits(count: int) -> bytes:
        if count > LARGEST_PACKET_BYTES:
            raise OSError(errno.EMSGSIZE, "the packet is too large")
        return receive(count)

    library._sock_recv = receive_within_limits  # type: ignore[assignment, method-assign]  # noqa: SLF001


def _dial_unbound(client: aiomqtt.Client) -> None:
    """Connect without binding first: the library binds to any address, and the unit's SocketBindDeny= refuses that."""
    library = client._client  # noqa: SLF001 - it has no option for that

    def dial() -> socket.socket:
        return socket.create_connection((library.host, library.port), timeout=library.connect_timeout)

    library._create_socket_connection = dial  # type: ignore[method-assign]  # noqa: SLF001


class _as_ours:  # noqa: N801 - used as a function
    """Turn the library's errors into ours; their text is short and holds neither topic nor password."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise ``BrokerUnavailable`` for what the library and the network raise."""
        match error:
            case BrokerUnavailable() | None:
                return
            case MqttConnectError(rc=code):
                raise BrokerUnavailable(f"the broker refused the box: {code}", remedy=_LOGIN) from None
            case aiomqtt.MqttError() | AsideEnded() | OSError() | ValueError():
                raise BrokerUnavailable(f"the connection to the broker failed: {_plain(error)}") from None
            case _:
                return


def _plain(error: Exception) -> str:
    """Return what the library says as a person would, without the numbers of errors and the library's own parts."""
    cause = error if isinstance(error, OSError) else error.__context__
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    has_ended = isinstance(error, aiomqtt.MqttCodeError) or str(error) == _ENDED
    return "the broker has ended it" if has_ended else str(error)


_ENDED: Final = "Disconnected during message iteration"


_LOGIN: Final = "Check mqtt.username, and the password: it is the stored secret mqtt_password."
