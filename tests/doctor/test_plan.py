"""The plan: what the checks know about the box besides its settings."""

from pathlib import Path

import pytest

from edgevoice.doctor import plan
from edgevoice.doctor.findings import FindingStatus
from edgevoice.doctor.plan import Examination
from edgevoice.wakeword.models.present import words_present
from tests.doctor.machines import machine


@pytest.mark.parametrize(("is_the_services_own", "mark"), [(True, FindingStatus.WRONG), (False, FindingStatus.FINE)])
def test_a_model_in_a_home_folder_is_wrong_in_the_services_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_the_services_own: bool, mark: FindingStatus
) -> None:
    model = tmp_path / "computer.onnx"
    model.write_bytes(words_present()["alexa"].read_bytes())
    settings = tmp_path / "edgevoice.toml"
    # Without a key file there is no session to wait for.
    settings.write_text(f'[service]\nkey_file = "/nowhere"\n[wakeword]\nmodel = "{model}"\n', encoding="utf-8")
    monkeypatch.setattr("edgevoice.wakeword.models.present._HOMES", (str(tmp_path),))
    if is_the_services_own:
        monkeypatch.setattr(plan, "SYSTEM_FILE", settings)
    answers = {"systemctl show": "LoadState=loaded\nActiveState=failed\nProtectHome=yes\n"}
    folders = {"STATE_DIRECTORY": str(tmp_path), "CACHE_DIRECTORY": str(tmp_path / "cache")}

    findings = Examination(
        settings, folders, machine(tmp_path / "machine", answers=answers), with_sound=False
    ).findings()

    (word,) = [finding for finding in findings if finding.name == "wake word"]
    assert word.mark is mark
