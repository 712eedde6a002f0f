"""Both cancellers, with their real libraries, in the simulated room."""

import builtins
import ctypes
import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgevoice.echo import linear
from edgevoice.echo.canceller import BLOCK, EchoCanceller, Samples
from edgevoice.echo.linear import LinearCanceller
from edgevoice.echo.suppressor import Suppressor
from edgevoice.errors import EchoUnavailable
from edgevoice.extras import how_to_add
from edgevoice.testbed.stage.room import furnish, hear_all, level_dbfs

RATE_HZ = 16_000

both = pytest.mark.parametrize("make", [LinearCanceller, Suppressor])


def noise(seconds: float, seed: int = 0) -> Samples:
    return (3000 * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))).astype(np.int16)


def cancelled(canceller: EchoCanceller, near: Samples, far: Samples) -> Samples:
    blocks = range(0, len(near) - BLOCK + 1, BLOCK)
    return np.concatenate([canceller.process(near[at : at + BLOCK], far[at : at + BLOCK]) for at in blocks])


@both
@pytest.mark.parametrize("delay_ms", [40, 120])
def test_the_echo_is_reduced_by_at_least_15_db(make: Callable[[], EchoCanceller], delay_ms: int) -> None:
    far = noise(8)
    near = hear_all(furnish(1, delay_ms=delay_ms), far)

    left = cancelled(make(), near, far)[-2 * RATE_HZ :]

    assert level_dbfs(left) < level_dbfs(near) - 15


@both
def test_with_nothing_played_a_talker_passes_at_once_or_8_ms_late(make: Callable[[], EchoCanceller]) -> None:
    canceller, near = make(), noise(3)

    heard = cancelled(canceller, near, np.zeros_like(near))[RATE_HZ:].astype(np.float64)

    def likeness(lag: int) -> float:
        given = near[RATE_HZ - lag : len(near) - lag].astype(np.float64)
        return float(given @ heard / np.sqrt((given @ given) * (heard @ heard)))

    late = max(range(0, 260, 2), key=likeness)
    assert late == (128 if isinstance(canceller, Suppressor) else 0)
    assert likeness(late) > 0.95


@both
def test_after_a_reset_the_room_is_learned_again(make: Callable[[], EchoCanceller]) -> None:
    canceller, far = make(), noise(6)
    rooms = [hear_all(furnish(seed, delay_ms=60), far) for seed in (1, 2)]

    cancelled(canceller, rooms[0], far)
    canceller.reset()
    left = cancelled(canceller, rooms[1], far)[-RATE_HZ:]

    assert level_dbfs(left) < level_dbfs(rooms[1]) - 15


@both
@pytest.mark.parametrize(
    "wrong", [np.zeros(BLOCK - 1, np.int16), np.zeros(BLOCK, np.float32), np.zeros((1, BLOCK), np.int16)]
)
def test_anything_but_one_block_is_refused_and_never_read(make: Callable[[], EchoCanceller], wrong: Any) -> None:
    canceller, block = make(), np.zeros(BLOCK, np.int16)

    with pytest.raises(ValueError, match="a block is 320 samples of int16"):
        canceller.process(wrong, block)
    with pytest.raises(ValueError, match="a block is 320 samples of int16"):
        canceller.process(block, wrong)


@both
def test_a_strided_view_is_read_correctly(make: Callable[[], EchoCanceller]) -> None:
    wide, far = noise(0.04), noise(0.02, seed=1)

    assert np.array_equal(make().process(wide[::2], far), make().process(wide[::2].copy(), far))


def test_the_linear_filters_memory_is_freed_once_and_not_used_again() -> None:
    canceller, block = LinearCanceller(), np.zeros(BLOCK, np.int16)
    canceller.close()
    canceller.close()

    with pytest.raises(ValueError, match="has been closed"):
        canceller.process(block, block)
    with pytest.raises(ValueError, match="has been closed"):
        canceller.reset()


def test_the_linear_filters_memory_is_freed_with_the_object() -> None:
    canceller = LinearCanceller()
    close = canceller.close
    del canceller
    gc.collect()

    assert not close.alive


def test_without_its_library_the_linear_canceller_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "PyDLL", missing)
    linear._library.cache_clear()
    with pytest.raises(EchoUnavailable) as refused:
        LinearCanceller()
    linear._library.cache_clear()

    assert refused.value.line() == "libspeexdsp.so.1 is not installed. Install it: apt install libspeexdsp1"


def test_a_filter_that_cannot_be_created_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Exhausted:
        def speex_echo_state_init(self, frame: int, tail: int) -> None:
            return None

    monkeypatch.setattr(linear, "_library", Exhausted)

    with pytest.raises(EchoUnavailable, match="gave no canceller of 4480 samples"):
        LinearCanceller()


def test_without_its_package_the_suppressor_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without(name: str, *others: Any) -> Any:
        if name == "pywebrtc_audio":
            raise ImportError(name)
        return real_import(name, *others)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(EchoUnavailable) as refused:
        Suppressor()

    assert refused.value.line() == f"pywebrtc-audio is not installed. Add it: {how_to_add('echo')}"
