"""The checks of what serves the rest of a home: metrics, and the password of an MQTT broker. Standard library only."""

import contextlib
import grp
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.virtual_pi import service
from tests.virtual_pi.board import Refused, run, until
from tests.virtual_pi.machine import SETTINGS, Guest, with_settings

METRICS = Path("/run/edgevoice/edgevoice.prom")
_PASSWORD = "the-virtual-broker-is-nobody"
_KEPT = Path("/etc/credstore/edgevoice.mqtt_password")
_DROP_IN = Path(f"/etc/systemd/system/{service.UNIT}.d/20-mqtt.conf")
_NOBODY = 65_534


@contextlib.contextmanager
def configured() -> Iterator[None]:
    """Have the next start write metrics and look for a broker on this machine, as the documentation says."""
    text = with_settings(SETTINGS.read_text(encoding="utf-8"), "metrics", {"enabled": "true"})
    text = with_settings(text, "mqtt", {"host": '"127.0.0.1"', "username": '"box"'})
    SETTINGS.write_text(text, encoding="utf-8")
    run("install", "-D", "-m", "600", "/dev/null", str(_KEPT))
    _KEPT.write_text(_PASSWORD, encoding="ascii")
    _DROP_IN.parent.mkdir(exist_ok=True)
    _DROP_IN.write_text("[Service]\nLoadCredential=mqtt_password:edgevoice.mqtt_password\n", encoding="utf-8")
    run("systemctl", "daemon-reload")
    try:
        yield
    finally:
        _KEPT.unlink()
        _DROP_IN.unlink()


def serves_the_home(guest: Guest) -> str:
    """Read the metrics as node_exporter's user, and see the broker's password reach the box alone."""
    until(METRICS.exists, 20, "no metrics are written", pause_s=0.2)
    group = grp.getgrnam("edgevoice").gr_gid
    metrics = _read_as_nobody(group)
    if "edgevoice_info{" not in metrics or _read_as_nobody(_NOBODY):
        raise Refused(f"the group reads {len(metrics)} letters of metrics, others {len(_read_as_nobody(_NOBODY))}")
    given = Path("/run/credentials") / service.UNIT / "mqtt_password"
    if given.read_text(encoding="ascii") != _PASSWORD:
        raise Refused("the service is not given the password")
    lost = [line for line in service.own_log() if line.startswith("mqtt-lost")]
    if not lost or "refused" not in lost[0].lower() or _PASSWORD in service.journal(0):
        raise Refused(f"a broker that is not there is logged by {lost}, or the log has the password")
    return f"{len(metrics.splitlines())} lines of metrics for the group alone; the password is a credential"


def _read_as_nobody(group: int) -> str:
    who = ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", f"--groups={group}")
    command = (*who, "cat", str(METRICS))
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout
