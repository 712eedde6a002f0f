import sys
import types
import warnings
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import gpiozero
import pytest

from edgevoice.errors import PanelUnavailable
from edgevoice.panel.mock import MockPins
from edgevoice.panel.pins import claiming, open_pins


class LgpioError(Exception):
    """As lgpio's: neither an OSError nor one of gpiozero."""


@pytest.fixture
def lgpio(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = types.ModuleType("lgpio")
    vars(module)["error"] = LgpioError
    monkeypatch.setitem(sys.modules, "lgpio", module)
    return module


def install(monkeypatch: pytest.MonkeyPatch, factory: Callable[[], object]) -> None:
    module = types.ModuleType("gpiozero.pins.lgpio")
    vars(module)["LGPIOFactory"] = factory
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_the_mock_is_chosen_by_argument_or_by_gpiozeros_variable() -> None:
    assert isinstance(open_pins({}, "mock"), MockPins)
    assert isinstance(open_pins({"GPIOZERO_PIN_FACTORY": "mock"}), MockPins)
    assert isinstance(open_pins({"GPIOZERO_PIN_FACTORY": "lgpio"}, "mock"), MockPins)


def test_without_a_choice_lgpio_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    pins = object()
    install(monkeypatch, lambda: pins)

    assert open_pins({}) is pins


def test_lgpio_is_where_gpiozero_says_that_it_is() -> None:
    (named,) = entry_points(group="gpiozero_pin_factories", name="lgpio")

    assert named.value == "gpiozero.pins.lgpio:LGPIOFactory"


def test_another_library_of_gpiozero_is_found_by_its_entry_point() -> None:
    with pytest.raises(PanelUnavailable, match=r"the pin library pigpio (cannot be loaded|finds no pins)"):
        open_pins({"GPIOZERO_PIN_FACTORY": "pigpio"})


def test_an_unknown_library_is_refused_by_name() -> None:
    with pytest.raises(PanelUnavailable, match="there is no pin library 'nosuch'") as refused:
        open_pins({"GPIOZERO_PIN_FACTORY": "nosuch"})

    assert "GPIOZERO_PIN_FACTORY" in refused.value.remedy


def test_a_library_that_is_not_installed_comes_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> object:
        raise ModuleNotFoundError("No module named 'lgpio'")

    install(monkeypatch, load)

    with pytest.raises(PanelUnavailable, match="lgpio cannot be loaded") as refused:
        open_pins({})
    assert "pip install '.[pi]'" in refused.value.remedy


@pytest.mark.parametrize(
    "problem",
    [
        LgpioError("'can not open gpiochip'"),
        gpiozero.PinUnknownPi("unable to locate Pi revision"),
        PermissionError(13, "Permission denied"),
    ],
    ids=lambda problem: type(problem).__name__,
)
def test_a_machine_without_pins_is_reported_in_one_line(
    problem: Exception, monkeypatch: pytest.MonkeyPatch, lgpio: types.ModuleType
) -> None:
    def load() -> object:
        raise problem

    install(monkeypatch, load)

    with pytest.raises(PanelUnavailable, match="finds no pins") as refused:
        open_pins({})
    assert "\n" not in refused.value.line()
    assert 'panel.kind = "terminal"' in refused.value.remedy
    assert not str(refused.value).endswith("'")


def test_the_library_is_loaded_in_a_writable_folder_and_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written: list[Path] = []

    def load() -> object:
        pipe = Path(".lgd-nfy0")
        pipe.touch()
        written.append(pipe.resolve())
        return object()

    install(monkeypatch, load)
    monkeypatch.chdir(tmp_path)

    open_pins({})

    assert Path.cwd() == tmp_path
    assert not list(tmp_path.iterdir())
    assert written
    assert not written[0].exists()


def test_warnings_of_the_library_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> object:
        warnings.warn(gpiozero.PinFactoryFallback("Falling back from lgpio"), stacklevel=1)
        return object()

    install(monkeypatch, load)

    open_pins({})  # a warning would be an error here


def test_a_pin_in_use_is_reported_with_its_purpose() -> None:
    pins = MockPins()
    with (
        gpiozero.LED(17, pin_factory=pins),
        pytest.raises(PanelUnavailable, match="talk button: GPIO17 cannot be used") as refused,
        claiming("talk button", 17),
    ):
        gpiozero.Button(17, pin_factory=pins)

    assert "GPIO17" in refused.value.remedy


def test_a_pin_held_by_the_kernel_is_reported_with_its_purpose(lgpio: types.ModuleType) -> None:
    with (
        pytest.raises(PanelUnavailable, match="status LED: GPIO22 cannot be used: GPIO busy"),
        claiming("status LED", 22),
    ):
        raise LgpioError("'GPIO busy'")


def test_a_missing_pin_is_reported_with_its_purpose() -> None:
    with pytest.raises(PanelUnavailable, match="no GPIO99 on this board"), claiming("status LED", 99):
        gpiozero.LED(99, pin_factory=MockPins())


def test_a_bug_of_ours_is_not_mistaken_for_a_pin_error() -> None:
    with pytest.raises(ZeroDivisionError), claiming("status LED", 22):
        raise ZeroDivisionError
