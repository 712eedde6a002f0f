import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.progress import pytest_configure

__all__ = ["pytest_configure"]

# Derandomized: a failure on the build machine is the same failure everywhere, and never random.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
# A slow machine is not a fault of the code under test.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "dev")


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
