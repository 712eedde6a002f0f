"""A plugin of pytest for many quick tests: pytest-xdist hands out whole files, and a worker reads a file as it runs it.

Otherwise each worker imports every file and makes every test before the first one runs, and sends six messages for each
test: for 14,000 tests in three workers, that is a tenth of the whole run. Here one message says how a test ended; its
setup and teardown are reported only if they fail or take long.

It reads no names of single tests, so it is for runs of all tests, with ``-m`` at most. Without workers it does nothing.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

_TOLD_FROM_S = 0.1
"""Setting up or tearing down is reported from this time on, for ``--durations`` and the estimate of the next run."""


class WholeFile(pytest.Item):
    """All tests of a file, as one thing to hand out; its name is the file's."""

    def __init__(self, *, parent: pytest.Collector, path: Path, **named: Any) -> None:
        nodeid = path.relative_to(parent.config.rootpath).as_posix()
        super().__init__(parent=parent, path=path, nodeid=nodeid, **named)
        if "pytest.mark.long" in path.read_text(encoding="utf-8"):
            self.own_markers.append(pytest.mark.long.mark)

    def runtest(self) -> None:
        """Never be called: the tests inside are."""
        raise NotImplementedError

    def tests(self) -> list[pytest.Item]:
        """Import the file and return the tests that this run wants; what cannot be imported is reported as failed."""
        with _kept_from_the_garbage_collector():
            module = pytest.Module.from_parent(self.parent, path=self.path)
            items = list(self.session.genitems(module))
            self.config.hook.pytest_collection_modifyitems(session=self.session, config=self.config, items=items)
        return items


@contextmanager
def _kept_from_the_garbage_collector() -> Iterator[None]:
    # What the tests before have left is looked at first: it would be frozen with the rest.
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Item | None:
    """Take the place of the file's tests in a worker."""
    if not hasattr(parent.config, "workerinput"):
        return None
    made: WholeFile = WholeFile.from_parent(parent, name=module_path.name, path=module_path)
    return made


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a file's tests one after the other, and a single test as pytest does."""
    if not hasattr(item.config, "workerinput"):
        return None
    if not isinstance(item, WholeFile):
        _report(item.config, runtestprotocol(item, log=False, nextitem=nextitem))
        return True
    tests = item.tests()
    for number, test in enumerate(tests, 1):
        following = tests[number] if number < len(tests) else nextitem
        test.ihook.pytest_runtest_protocol(item=test, nextitem=following)
        if item.session.shouldfail or item.session.shouldstop:
            break
    # Of a file in which this run wants nothing, the file before has left its folder standing.
    item.session._setupstate.teardown_exact(nextitem)
    return True


def _report(config: pytest.Config, reports: list[pytest.TestReport]) -> None:
    """Send what is worth a message to the process that shows it."""
    (worker,) = [each for each in config.pluginmanager.get_plugins() if type(each).__name__ == "WorkerInteractor"]
    for report in reports:
        if report.when == "call" or not report.passed or report.duration >= _TOLD_FROM_S:
            data = config.hook.pytest_report_to_serializable(config=config, report=report)
            data |= {"item_index": worker.item_index, "worker_id": worker.workerid, "testrun_uid": worker.testrunuid}
            worker.sendevent("testreport", data=data)
