"""The picture of the panel's specification in the documentation is the one that the code draws."""

import xml.etree.ElementTree as ET
from pathlib import Path

from edgevoice.core.panel_spec import STATES
from edgevoice.panel.picture import panel_svg

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "panel.svg"


def test_the_picture_in_the_documentation_is_what_the_code_draws() -> None:
    assert PICTURE.read_text(encoding="utf-8") == panel_svg(), "run `edgevoice panel --svg docs/panel.svg`"


def test_the_picture_names_every_state_and_can_be_read() -> None:
    picture = ET.fromstring(panel_svg())  # noqa: S314 - our own
    texts = {element.text for element in picture.iter() if element.tag.endswith("text")}

    assert {state.name for state in STATES} <= texts
