"""`edgevoice run` without a network, and behind a proxy that refuses: it starts, listens, and says so when woken."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgevoice.testbed.stage.talker import Talker, rehearse
from edgevoice.testbed.virtual import VirtualCard
from tests.e2e.test_daemon import Notified, daemon, fill
from tests.realtime.test_proxies import HttpProxy
from tests.waiting import LIMIT_S

pytestmark = pytest.mark.sound

NOWHERE = fill().replace(
    'url = "ws://127.0.0.1:9/"', 'url = "wss://service.invalid/realtime"\ndialect = "inworld"\nconnect_s = 3'
)
KEY = "c2VjcmV0OnNlY3JldA=="


@contextmanager
def box(folder: Path, **environment: str) -> Iterator[tuple[VirtualCard, Notified]]:
    """A real daemon that cannot reach its service; it must run until the end of the block."""
    asyncio.run(rehearse("Hey Jarvis."))
    proxies = dict.fromkeys(("no_proxy", "all_proxy", "https_proxy", "wss_proxy", "socks_proxy"), "")
    surroundings = proxies | {"EDGEVOICE_API_KEY": KEY} | environment
    with VirtualCard() as card, daemon(folder, card, NOWHERE, **surroundings) as (process, notified):
        yield card, notified
        assert process.poll() is None


def wake_and_see(card: VirtualCard, notified: Notified, code: str) -> None:
    notified.messages.clear()
    asyncio.run(Talker(card).say(0.3, "Hey Jarvis.", 0.3))
    notified.wait_for("STATUS=connecting", 10)
    notified.wait_for(f"STATUS=fault: {code}", 20)
    notified.wait_for("STATUS=idle", LIMIT_S)


def test_a_box_without_a_network_at_boot_listens_and_says_so_each_time_it_is_woken(tmp_path: Path) -> None:
    with box(tmp_path) as (card, notified):
        notified.wait_for("READY=1", 30)
        assert not [message for message in notified.messages if "fault" in message]
        for _ in range(2):
            wake_and_see(card, notified, "service-unreachable")
        # The user hears the trouble tone.
        assert card.far_end.sounds()


async def _behind_a_proxy_that_refuses(folder: Path) -> None:
    def live(address: str) -> None:
        with box(folder, https_proxy=f"http://{address}") as (card, notified):
            notified.wait_for("READY=1", 30)
            wake_and_see(card, notified, "proxy-refused")

    proxy = HttpProxy("407 Proxy Authentication Required")
    async with proxy.listening() as address:
        await asyncio.to_thread(live, address)
    # Only one attempt: a proxy that has refused would refuse again.
    assert proxy.wanted == ["service.invalid:443"]


def test_a_box_whose_proxy_refuses_says_that_it_is_the_proxy(tmp_path: Path) -> None:
    asyncio.run(_behind_a_proxy_that_refuses(tmp_path))
