from collections.abc import Iterator

import pytest

from edgevoice.testbed.virtual import VirtualCard


@pytest.fixture(scope="session")
def _plugin_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compile into a folder of this run: the tests neither use nor fill the developer's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def card(_plugin_cache: None) -> Iterator[VirtualCard]:
    with VirtualCard() as card:
        card.install()
        yield card
