"""The soak itself: its proxy, its faults, its shim, and a short soak with the real daemon in real time."""

import asyncio
import itertools
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from edgevoice.testbed.soak.__main__ import main
from edgevoice.testbed.soak.box import SoakBroken
from edgevoice.testbed.soak.faults import draw
from edgevoice.testbed.soak.proxy import FaultProxy
from edgevoice.testbed.soak.record import FaultKind, Moment
from edgevoice.testbed.soak.service import LocalServiceCommand
from edgevoice.testbed.soak.shim import Shim

# --- the faults ------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_soak_and_another_seed_a_different_one() -> None:
    first, again, other = (
        list(itertools.islice(draw(random.Random(seed), tuple(FaultKind)), 40)) for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other


def test_every_kind_of_fault_occurs_once_before_any_repeats() -> None:
    drawn = [fault.kind for fault in itertools.islice(draw(random.Random(3), tuple(FaultKind)), 3 * len(FaultKind))]

    for begin in range(0, len(drawn), len(FaultKind)):
        assert set(drawn[begin : begin + len(FaultKind)]) == set(FaultKind)


def test_the_link_is_cut_only_when_there_is_one() -> None:
    drawn = list(itertools.islice(draw(random.Random(4), tuple(FaultKind)), 200))

    assert not [fault for fault in drawn if fault.kind.takes_the_link and fault.moment is Moment.AT_REST]
    assert {fault.moment for fault in drawn if fault.kind is FaultKind.CARD_UNPLUGGED} == set(Moment)


# --- the proxy -------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def echoing() -> AsyncIterator[FaultProxy]:
    """A proxy in front of an echo server."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(1000):
                writer.write(piece)
        writer.close()
        ended.set()

    ended = asyncio.Event()
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with FaultProxy(port, random.Random(1)) as proxy:
            yield proxy
        await asyncio.wait_for(ended.wait(), 5)


def test_data_passes_whole_and_in_order_even_over_a_lossy_network() -> None:
    async def live() -> float:
        async with echoing() as proxy:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            proxy.lose()
            began = time.monotonic()
            for number in range(8):
                writer.write(bytes([number]) * 100)
                assert await asyncio.wait_for(reader.readexactly(100), 5) == bytes([number]) * 100
            writer.close()
            return time.monotonic() - began

    assert asyncio.run(live()) > 0.2  # at least one of sixteen chunks was late


def test_a_cut_breaks_open_connections_and_refuses_new_ones_until_the_network_is_back() -> None:
    async def live() -> None:
        async with echoing() as proxy:
            port = proxy.port
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"
            proxy.cut()
            with suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(1), 5) == b""
            writer.close()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
            await proxy.restore()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"y")
            assert await asyncio.wait_for(reader.readexactly(1), 5) == b"y"
            writer.close()

    asyncio.run(live())


def test_a_stall_loses_no_data() -> None:
    async def live() -> None:
        async with echoing() as proxy:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            proxy.stall()
            writer.write(b"x")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.05)
            proxy.flow()
            assert await asyncio.wait_for(reader.readexactly(1), 5) == b"x"
            writer.close()

    asyncio.run(live())


def test_a_service_that_is_not_ready_in_time_is_one_clear_error_and_leaves_nothing() -> None:
    async def live() -> None:
        service = LocalServiceCommand(start_limit_s=0.01)
        with pytest.raises(SoakBroken, match=r"not ready within 0\.01 s"):
            await service.__aenter__()
        assert service._child is not None
        assert service._child.returncode is not None

    asyncio.run(live())


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf", "10081", "soon"])
def test_an_implausible_duration_is_refused_in_words(capsys: pytest.CaptureFixture[str], minutes: str) -> None:
    with pytest.raises(SystemExit):
        main([f"--minutes={minutes}"])

    assert "a soak lasts more than 0 minutes and at most a week" in capsys.readouterr().err


# --- the clock and the disk ------------------------------------------------------------------------------------------

PROBE = """
import os, sys, time
state, elsewhere = sys.argv[1:]
for _ in sys.stdin:
    told = []
    for place in (state, elsewhere):
        file = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            told.append(os.write(file, b"x"))
        except OSError as error:
            told.append(error.strerror)
        os.close(file)
    print(round(time.time()), time.monotonic(), *told, sep=";", flush=True)
"""


def test_clock_jumps_and_a_full_disk_affect_one_process_and_are_undone(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    shim = Shim(tmp_path, tmp_path / "state")
    process = subprocess.Popen(
        [sys.executable, "-c", PROBE, str(tmp_path / "state" / "file"), str(tmp_path / "file")],
        env=os.environ | dict(shim.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def ask() -> list[str]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        return process.stdout.readline().strip().split(";")

    try:
        assert [*map(int, ask()[2:])] == [1, 1]
        shim.set_clock(3600)
        shim.fill_disk()
        wall, monotonic, state, elsewhere = ask()
        assert abs(int(wall) - time.time() - 3600) < 5
        assert abs(float(monotonic) - time.monotonic()) < 5
        assert (state, elsewhere) == ("No space left on device", "1")
        shim.set_clock(0)
        shim.empty_disk()
        wall, _, state, _ = ask()
        assert abs(int(wall) - time.time()) < 5
        assert state == "1"
    finally:
        process.kill()
        process.communicate()


def test_the_clock_is_never_set_behind_the_true_time(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="behind"):
        Shim(tmp_path, tmp_path).set_clock(-1)


# --- the whole soak --------------------------------------------------------------------------------------------------


@pytest.mark.sound
@pytest.mark.long(35)
def test_a_short_soak_brings_the_box_back_after_a_cut_link_and_an_unplugged_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Each of the two once, however slow the machine is: one while the user asks, the other during an answer.
    options = ["--minutes", "0.1", "--least-faults", "2", "--seed", "7", "--folder", str(tmp_path), "--json"]

    status = main([*options, "--faults", "link cut,card unplugged"])

    printed = capsys.readouterr()
    report = json.loads(printed.out.splitlines()[-1])
    assert report["failures"] == [], printed.err
    assert status == 0
    assert report["faults"] >= 2
    assert set(report["recovery_s"]) == {"link cut", "card unplugged"}
    questions = report["questions"]
    assert questions["asked"] >= 2
    assert questions["answered"] + questions["excused"] == questions["asked"]
    assert report["at_rest"]["tasks"]["latest_least"] > 0
    assert report["watchdog"]["fed"] > 5
    assert json.loads((tmp_path / "report.json").read_text()) == report
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.sound
@pytest.mark.long(20)
def test_a_box_whose_card_never_comes_back_fails_the_soak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The harness is useless if it cannot fail: here the card is unplugged and never plugged in again."""
    monkeypatch.setattr("edgevoice.testbed.virtual.VirtualCard.plug_in", lambda _card: None)
    monkeypatch.setattr("edgevoice.testbed.soak.run._RECOVERY_LIMIT_S", 3.0)
    options = ["--minutes", "0.1", "--least-faults", "1", "--seed", "6", "--folder", str(tmp_path), "--json"]

    assert main([*options, "--faults", "sound server killed"]) == 1

    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["holds"] is False
    assert any("the box listened never" in failure for failure in report["failures"])
