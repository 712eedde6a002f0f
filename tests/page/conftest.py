"""A browser for the tests that need one; without Debian's Chromium they are skipped."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.page import chromium

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
"""Where `npm ci` in this folder puts it: the version and the hash are in package-lock.json."""

PICTURES = Path(__file__).parents[2] / ".ci" / "page"
"""Where the screenshots of the tests stay."""

needs_chromium = pytest.mark.skipif(
    chromium.PROGRAM is None, reason="Chromium is not installed: apt-get install chromium"
)
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci in tests/page")


@pytest.fixture(scope="module")
def devtools() -> Iterator[str]:
    """A browser that runs as long as the module's tests."""
    with chromium.browser() as address:
        yield address
