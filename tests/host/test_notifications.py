"""Sending to systemd, on a real socket: what happens if nobody reads, and if it cannot be sent at all."""

import asyncio
import errno
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgevoice.host.notifications import Notifications
from tests.host.small_systemd import Systemd

UNREAD = """
import asyncio, time
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.notices import PhaseEntered
from edgevoice.host.service_manager import ServiceManager

async def live():
    manager = ServiceManager()
    feeding = asyncio.create_task(manager.feed_watchdog(lambda: (time.monotonic(),)))
    manager.ready()
    for number in range(3000):
        manager.observe(PhaseEntered((Phase.LISTENING, Phase.THINKING)[number % 2]), 0.0)
        await asyncio.sleep(0)
    manager.reload(str)
    manager.stopping()
    feeding.cancel()

asyncio.run(live())
"""


FILLED_MEANWHILE = """
import os, select, socket
from edgevoice.host.notifications import Notifications

ask = select.poll

class Asked:
    # Between the question whether there is space and the message, another service takes the space.
    def __init__(self):
        self.real = ask()

    def __getattr__(self, name):
        return getattr(self.real, name)

    def poll(self, *arguments):
        answer = self.real.poll(*arguments)
        fill()
        return answer

def fill():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as other:
        other.connect(os.environ["NOTIFY_SOCKET"])
        while True:
            try:
                other.send(b"STATUS=of another service")
            except BlockingIOError:
                return

select.poll = Asked
notifications = Notifications()
notifications.send("READY=1")
fill()
print([notifications.send("WATCHDOG=1"), notifications.send("STOPPING=1")])
"""


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    path = tmp_path / "notify"
    manager = Systemd(path)
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    yield manager
    manager.close()


def test_a_box_whose_notifications_nobody_reads_goes_on_and_ends(systemd: Systemd) -> None:
    # In a process of its own: systemd's library would hold this one's lock for ever.
    environment = {**os.environ, "WATCHDOG_USEC": "2000"}
    done = subprocess.run(
        [sys.executable, "-c", UNREAD], env=environment, capture_output=True, text=True, check=False, timeout=30
    )

    assert done.returncode == 0, done.stderr
    assert systemd.told()[:1] == ["READY=1"]


def test_a_queue_that_others_fill_between_question_and_message_holds_up_nothing(systemd: Systemd) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILLED_MEANWHILE], capture_output=True, text=True, check=False, timeout=30
    )

    assert (done.returncode, done.stdout) == (0, "[False, False]\n"), done.stderr
    assert systemd.told()[:1] == ["READY=1"]


def test_once_they_are_read_again_the_newest_of_each_kind_arrives_in_order(
    systemd: Systemd, caplog: pytest.LogCaptureFixture
) -> None:
    sender = Notifications()
    sent = 0
    while sender.send(f"STATUS={sent}"):
        sent += 1
    later = ("RELOADING=1", "STATUS=old", "READY=1", "STATUS=new", "WATCHDOG=1")
    assert [sender.send(each) for each in later] == [False] * len(later)

    received = asyncio.run(systemd.hear(sent + 4))

    assert received == [
        *(f"STATUS={number}" for number in range(sent)),
        *("RELOADING=1", "READY=1", "STATUS=new", "WATCHDOG=1"),
    ]
    for thread in threading.enumerate():
        if thread.name == "notifications":
            thread.join(5)
    assert sender.send("STATUS=at once")
    assert systemd.told() == ["STATUS=at once"]
    (line,) = caplog.records
    assert (line.msg, line.__dict__["fields"]["message"]) == ("service-manager-deaf", "STATUS")


def test_a_socket_in_the_abstract_namespace_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"edgevoice-test-{os.getpid()}"
    manager = Systemd(f"\0{address}")
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{address}")
    sender = Notifications()

    while sender.send("STATUS=a line"):
        pass

    assert asyncio.run(manager.hear(1)) == ["STATUS=a line"]
    manager.close()


def test_a_failing_service_manager_is_logged_with_the_reason_and_does_no_harm(
    systemd: Systemd, caplog: pytest.LogCaptureFixture
) -> None:
    systemd.close()
    assert Notifications().send("STATUS=a word")

    (record,) = caplog.records
    assert (record.levelno, record.msg) == (logging.WARNING, "service-manager-deaf")
    assert record.__dict__["fields"]["message"] == "STATUS"
    assert os.strerror(errno.ECONNREFUSED) in record.__dict__["fields"]["problem"]
