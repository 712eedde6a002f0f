"""The bench of integrations: its figures, and what it needs."""

import asyncio
import shutil
from pathlib import Path

import pytest

from edgevoice.testbed.bench import integrations
from edgevoice.testbed.bench.integrations import BrokerMissing, measure
from edgevoice.testbed.bench.patience import NotInTime
from tests.integrations.mqtt.conftest import Mosquitto, mosquitto  # noqa: F401 - a fixture


def test_without_a_broker_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_arguments, **_options: None)

    with pytest.raises(BrokerMissing) as refused:
        measure(2, as_json=True)
    assert "apt install mosquitto" in refused.value.line()


def test_a_broker_that_does_not_start_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_arguments, **_options: "/bin/false")

    with pytest.raises(BrokerMissing, match="does not start"):
        measure(2, as_json=True)


def test_orders_reach_the_box_and_their_time_is_measured(mosquitto: Mosquitto) -> None:  # noqa: F811
    figures = asyncio.run(integrations._connection(mosquitto.port, 0, settling_s=0.5))

    order = figures["order_to_effect_ms"]
    assert isinstance(order, dict)
    assert 0 < order["p50"] <= order["p95"]
    assert Path(mosquitto.folder).exists()


def test_an_order_without_effect_is_named(mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(integrations, "_LIMIT_S", 0.3)
    monkeypatch.setattr(integrations, "MqttLink", Deaf)

    with pytest.raises(NotInTime, match="waited for the volume to become 0 %") as refused:
        asyncio.run(integrations._connection(mosquitto.port, 0, settling_s=0.0))
    assert "less busy" in refused.value.line()


class Deaf:
    """A link that obeys no order."""

    def __init__(self, *_arguments: object) -> None:
        pass

    async def run(self, _report: object) -> None:
        await asyncio.sleep(60)
