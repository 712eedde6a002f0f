"""Which errors a person must act upon, and which pass: whether a box stays off or returns."""

import errno
import os
import tempfile
from collections.abc import Callable

import pytest

from edgevoice import errors
from edgevoice.core.facts import Device
from edgevoice.core.orders import Earcon
from edgevoice.errors import (
    DeviceMissing,
    EdgevoiceError,
    LocalServiceStarting,
    LocalServiceUnavailable,
    MachineExhausted,
    PanelUnavailable,
    PersonaInvalid,
    SettingsInvalid,
    StorageUnavailable,
    WakeWordUnavailable,
    can_pass,
    of_machine,
    remedy_of,
)
from edgevoice.observers.failures import what_to_do


def of(number: int, name: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), name)


def caused(error: EdgevoiceError, cause: BaseException, *, hidden: bool) -> EdgevoiceError:
    """Return the error as ``raise … from cause`` leaves it, or ``raise … from None`` while the cause is handled."""
    if hidden:
        error.__context__, error.__suppress_context__ = cause, True
    else:
        error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("number", "name", "remedy"),
    [
        (errno.ENOSPC, "/x", "Free some space: "),
        (errno.EISDIR, "/x", "Something else has this name: "),
        (errno.EACCES, "/x", "Run this as the owner, or change the owner with chown; `sudo ls -ld /x` shows who"),
        (errno.EPERM, None, "Run this as the owner, or change the owner with chown; `sudo ls -l` shows who"),
    ],
)
def test_free_space_is_not_the_remedy_for_missing_permission(number: int, name: str | None, remedy: str) -> None:
    refused = StorageUnavailable.of("/x cannot be opened", of(number, name))

    assert refused.line().startswith(f"/x cannot be opened: {os.strerror(number)}. {remedy}")


@pytest.mark.parametrize("error", [SettingsInvalid("x"), WakeWordUnavailable("x"), PanelUnavailable("x")])
def test_errors_in_settings_models_and_pins_last_until_a_person_acts(error: EdgevoiceError) -> None:
    assert not can_pass(error)


@pytest.mark.parametrize(
    "error",
    [
        StorageUnavailable("x"),
        MachineExhausted("x"),
        DeviceMissing("x"),
        LocalServiceStarting("x"),
        LocalServiceUnavailable("x"),
    ],
)
def test_temporary_problems_of_the_machine_or_the_network_pass(error: EdgevoiceError) -> None:
    assert can_pass(error)


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize(
    ("cause", "passes"),
    [
        (of(errno.ENOSPC), True),
        (of(errno.EDQUOT), True),
        (of(errno.EROFS), True),
        (of(errno.EIO), True),
        (of(errno.ENOMEM), True),
        (of(errno.EAGAIN), True),
        (of(errno.EMFILE), True),
        (of(errno.EBUSY), True),
        (of(errno.ETIMEDOUT), True),
        (MemoryError(), True),
        (StorageUnavailable("no folder"), True),
        (of(errno.ENOENT), False),
        (of(errno.EACCES), False),
        (of(errno.EPERM), False),
        (of(errno.EISDIR), False),
        (of(errno.ENAMETOOLONG), False),
        (ValueError("no number"), False),
    ],
    ids=repr,
)
def test_a_refusal_with_a_temporary_cause_is_temporary_even_if_the_cause_is_suppressed(
    cause: BaseException, *, passes: bool, hidden: bool
) -> None:
    for kind in (SettingsInvalid, WakeWordUnavailable, PanelUnavailable):
        assert can_pass(caused(kind("refused"), cause, hidden=hidden)) is passes


def test_a_cause_of_a_cause_counts_and_a_cycle_of_causes_ends() -> None:
    inner = caused(SettingsInvalid("inner"), of(errno.ENOSPC), hidden=True)
    assert can_pass(caused(WakeWordUnavailable("outer"), inner, hidden=False))

    first, second = SettingsInvalid("first"), SettingsInvalid("second")
    first.__context__, second.__context__ = second, first
    assert not can_pass(first)


@pytest.mark.parametrize(
    ("failure", "kind", "words"),
    [
        (of(errno.ENOSPC, "/var/cache/x"), StorageUnavailable, "/var/cache/x: No space left on device. Free some"),
        (of(errno.EROFS), StorageUnavailable, "Read-only file system. Free some"),
        (of(errno.ENOMEM), MachineExhausted, "Cannot allocate memory. Stop other programs"),
        (of(errno.EAGAIN, "/bin/x"), MachineExhausted, "/bin/x: Resource temporarily unavailable. Stop"),
        (MemoryError(), MachineExhausted, "no memory is left. Stop"),
    ],
    ids=repr,
)
def test_a_problem_of_the_machine_is_one_line_with_a_remedy(
    failure: BaseException, kind: type[EdgevoiceError], words: str
) -> None:
    trouble = of_machine(failure)

    assert isinstance(trouble, kind)
    assert trouble.line().startswith(words)
    assert "\n" not in trouble.line()


def test_pythons_error_for_a_missing_temporary_folder_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nonexistent"])
    with pytest.raises(FileNotFoundError) as failed:
        tempfile.mkdtemp()

    assert isinstance(of_machine(failed.value), StorageUnavailable)


@pytest.mark.parametrize("fault", [of(errno.ENOENT, "/x"), of(errno.EACCES), ValueError("x"), SettingsInvalid("x")])
def test_errors_that_are_not_the_machines_are_left_alone(fault: BaseException) -> None:
    assert of_machine(fault) is None


def every_error() -> list[type[EdgevoiceError]]:
    found: list[type[EdgevoiceError]] = []
    waiting: Callable[[type[EdgevoiceError]], list[type[EdgevoiceError]]] = type.__subclasses__
    todo = [EdgevoiceError]
    while todo:
        kind = todo.pop()
        found.append(kind)
        todo += waiting(kind)
    return [kind for kind in found if kind.__module__ == errors.__name__]


def test_only_four_kinds_of_error_prevent_a_restart() -> None:
    assert {kind for kind in every_error() if kind.needs_person} == {
        SettingsInvalid,
        WakeWordUnavailable,
        PanelUnavailable,
        PersonaInvalid,
    }


def test_a_code_without_an_error_class_points_to_the_log() -> None:
    assert "journalctl" in remedy_of("unheard-of")
    assert remedy_of("") == ""


def test_a_device_that_is_gone_and_a_limit_that_is_reached_have_a_remedy_of_their_own() -> None:
    """They are no exceptions; `edgevoice status` and `ctl status` say of them what `edgevoice why` says."""
    states = [errors.MICROPHONE_DEAD, errors.WAKEWORD_BEHIND, *Device, Earcon.SESSION_SPENT, Earcon.BUDGET_SPENT]

    for code in map(str, states):
        assert "journalctl" not in remedy_of(code), code
        assert what_to_do(code) == remedy_of(code)


@pytest.mark.parametrize(
    ("problem", "remedy", "line"),
    [
        ("it is missing", "Plug it in.", "it is missing. Plug it in."),
        (
            "there is no tool clock; did you mean lock?",
            "Name one.",
            "there is no tool clock; did you mean lock? Name one.",
        ),
        ("it said: no.", "Ask again.", "it said: no. Ask again."),
        ("there is no voice 'Bob'; there is Ann", "", "there is no voice 'Bob'; there is Ann."),
    ],
)
def test_a_line_is_the_problem_and_the_remedy_each_with_one_full_stop(problem: str, remedy: str, line: str) -> None:
    assert EdgevoiceError(problem, remedy=remedy).line() == line
