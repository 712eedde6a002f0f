import gc
import logging
import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# As `edgevoice run` and every child of the box has it: before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from edgevoice.wakeword.kernel.compile import main as compile_kernel
from edgevoice.wakeword.kernel.library import is_compiled
from tests.progress import pytest_configure

__all__ = ["pytest_configure"]

# Derandomized: a failure on the build machine is the same failure everywhere, and never random.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
# A slow machine is not a fault of the code under test.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "dev")


_LONG_S = 10.0
"""What a test that is marked as long is taken to need, where the mark does not say."""

MARK_ASKED_FOR = {
    "sound and not few and not alone": "pytest.mark.sound",
    "few": "pytest.mark.few",
    "alone": "pytest.mark.alone",
}
"""What the file of a test contains that one of these expressions (``-m``) chooses."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files with none of the tests asked for: to import all of them takes 20 s of a core in each process."""
    mark = MARK_ASKED_FOR.get(config.getoption("markexpr"), "")
    if not collection_path.match("test_*.py") or mark in collection_path.read_text():
        return None
    return True


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the wake word's kernel beside its sources: else each test with a cache of its own would compile it."""
    if not hasattr(session.config, "workerinput") and not is_compiled(Path(os.devnull)):
        compile_kernel([])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long tests first: a process that begins one of them last keeps all others waiting for it.

    At first pytest-xdist gives two tests to each process. Where marks say how long tests take, the longest are spread:
    each comes with one of the shorter, or alone if there are not two for each process.
    """
    items.sort(key=_seconds, reverse=True)
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))
    first = items[: 2 * processes]
    if not any(_seconds(item) > _LONG_S for item in first):
        return
    if len(first) == 2 * processes:
        # The first process gets the first two, the second the next two.
        items[: len(first)] = [item for number in range(processes) for item in (first[number], first[-1 - number])]
    elif len(first) > processes:
        # They are dealt one by one: the last processes get one each.
        alone = 2 * processes - len(first)
        items[:] = [*first[alone:processes], *first[:alone], *reversed(first[processes:])]


def _seconds(item: pytest.Item) -> float:
    mark = item.get_closest_marker("long")
    return 0.0 if mark is None else float(mark.args[0]) if mark.args else _LONG_S


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep all modules and tests from the garbage collector: its visits to a million objects took half of this time.

    It still visits all that the tests make, so what they leave behind is found as before.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.fixture(scope="module")
def frees_what_is_frozen() -> Iterator[None]:
    """Keep modules and tests from the garbage collector again after tests in which a daemon has freed all objects."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture
def near() -> Iterator[Path]:
    """A folder for sockets with short paths: below `tmp_path` they may be longer than Linux allows."""
    with tempfile.TemporaryDirectory(prefix="ev-") as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """Put the log back as it was: commands configure it in their own way, and the next test reads it."""
    log = logging.getLogger("edgevoice")
    handlers, level, propagate = list(log.handlers), log.level, log.propagate
    yield
    log.handlers[:], log.propagate = handlers, propagate
    log.setLevel(level)
