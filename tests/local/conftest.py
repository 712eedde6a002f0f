import pytest

from edgevoice.local.recogniser import PocketsphinxRecogniser
from edgevoice.local.speech import HibariVoice


@pytest.fixture(scope="session")
def voice() -> HibariVoice:
    return HibariVoice.load()


@pytest.fixture(scope="session")
def recogniser() -> PocketsphinxRecogniser:
    return PocketsphinxRecogniser.load()
