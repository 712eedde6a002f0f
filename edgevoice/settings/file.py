"""Settings from a file and the environment, checked as they are read: defaults, then the file, then the environment.

Reports everything that is wrong with a file at once, one line each. Writes nothing, and never repeats a value that may
be a secret.
"""

import errno
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from edgevoice.errors import SettingsInvalid
from edgevoice.settings.agreement import disagreements
from edgevoice.settings.catalogue import ENTRIES, Entry, ValueRefused, is_secret_name, sections, shown_name, similar
from edgevoice.settings.panel import PanelSettings
from edgevoice.settings.schema import Settings
from edgevoice.settings.syntax import NotToml, parse
from edgevoice.settings.text import NotText, decoded, lines_of
from edgevoice.store.folders import config_folder

SYSTEM_FILE: Final = Path("/etc/edgevoice/edgevoice.toml")

NOT_SETTINGS: Final[Mapping[str, str]] = {
    "EDGEVOICE_API_KEY": "the key of the service; see service.key_file for better places",
    "EDGEVOICE_CONFIG": "the path of the settings file",
    "EDGEVOICE_JUDGE_KEY": "the key of the model that judges, for `edgevoice eval`",
}
"""Our environment variables that are not settings, each with its meaning."""

LARGEST_FILE_BYTES: Final = 1 << 20
"""A settings file with every setting has some 10 kB; anything larger than this is another kind of file."""

MOST_FAULTS: Final = 50
"""The most error lines for one file; a file with more is probably the wrong one."""

_PLAIN_LIGHTS: Final = ("panel.listening_led_gpio", "panel.speaking_led_gpio", "panel.status_led_gpio")
_COLOURS: Final = ("panel.red_gpio", "panel.green_gpio", "panel.blue_gpio")
"""The pins of lights that replace one another: plain ones, and the colours of one."""

_PREFIX: Final = "EDGEVOICE_"
_LISTED: Final = "; `edgevoice config show` lists all there are"
_MOST_MEANT: Final = 2
_MOST_NAMED: Final = 8
_KEYS_DO_NOT_BELONG: Final = "keys do not belong in the settings; use service.key_file"
_STORED_SECRETS: Final = {"mqtt": "mqtt_password", "home": "home_assistant_token"}
"""The sections whose password or token is a stored secret, and its name."""


class SettingsRefused(SettingsInvalid):
    """Settings were refused; ``faults`` holds every error line, and ``str()`` is the first of them."""

    def __init__(self, faults: tuple[str, ...], *, remedy: str | None = None) -> None:
        more = f" (and {len(faults) - 1} more: `edgevoice config check` shows all)" if len(faults) > 1 else ""
        super().__init__(f"{faults[0]}{more}", remedy=remedy)
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Loaded:
    """Valid settings, and where they came from.

    ``source`` is the file that was read, ``None`` if there is none. ``origins`` maps the full name of every setting
    that was set to the file or the environment variable that set it. ``dark`` are the error lines of lights that are
    left out.
    """

    settings: Settings
    source: Path | None
    origins: Mapping[str, str]
    dark: tuple[str, ...] = ()


@dataclass
class _Findings:
    """What was read so far: valid values with their origins by full name, and what is wrong."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    wrong_names: set[str] = field(default_factory=set)
    dark: list[str] = field(default_factory=list)
    spares_lights: bool = False
    text: str = ""

    @cached_property
    def lines(self) -> Mapping[tuple[str, ...], int]:
        """The line of each name in the file; computed only when something is wrong."""
        return lines_of(self.text)

    def line(self, *names: str) -> str:
        """Return " (line 3)" for a name in the file, empty if the line is not known."""
        number = self.lines.get(names)
        return f" (line {number})" if number else ""

    def take(self, entry: Entry, value: object, place: str) -> None:
        """Keep a value if it is valid, else note what is wrong with it."""
        try:
            self.values[entry.dotted] = entry.read(value)
        except ValueRefused as refusal:
            self.wrong_names.add(entry.dotted)
            where = "" if place.startswith(_PREFIX) else self.line(entry.section, entry.name)
            self._refuse(f"{place}: {entry.dotted} {refusal}{where}", (entry.dotted,))
        else:
            self.origins[entry.dotted] = place

    def settings(self) -> Settings:
        """Return the valid values as settings; missing ones keep their defaults."""
        return Settings(**{name: self.section(name) for name in sections()})

    def section(self, section: str) -> Any:
        """Return the valid values of one section."""
        dotted_values = ((ENTRIES[dotted], value) for dotted, value in self.values.items())
        return sections()[section](**{entry.name: value for entry, value in dotted_values if entry.section == section})

    def add_disagreements(self, place: str) -> None:
        """Note values that do not fit together; blame a variable rather than the file that it overrides."""
        for each in disagreements(self.settings()):
            if self.wrong_names.isdisjoint(each.names):
                origins = [self.origins[name] for name in each.names if name in self.origins]
                blamed = next((origin for origin in origins if origin.startswith(_PREFIX)), place)
                in_file = [name for name in each.names if not self.origins.get(name, _PREFIX).startswith(_PREFIX)]
                where = self.line(*in_file[0].split(".")) if in_file and blamed == place else ""
                self._refuse(f"{blamed}: {each.text}{where}", each.names)

    def _refuse(self, fault: str, names: tuple[str, ...]) -> None:
        """Note what is wrong; a light of several is left out instead, where that is wanted."""
        light = next((name for name in names if name in (*_PLAIN_LIGHTS, *_COLOURS)), None)
        if self.spares_lights and light is not None:
            self.values[light] = "none"
            self.dark.append(fault)
        else:
            self.faults.append(fault)

    def require_a_light(self) -> None:
        """Refuse what was left out, if no light is left to show its state."""
        panel = self.section("panel")
        lights = _COLOURS if panel.led == "rgb" else _PLAIN_LIGHTS
        if all(getattr(panel, name.removeprefix("panel.")) == "none" for name in lights):
            self.faults += self.dark


def load(path: Path | None, environment: Mapping[str, str], *, spares_lights: bool = False) -> Loaded:
    """Return the settings in force: the defaults, then the file, then the environment.

    Without ``path`` the file is the one that EDGEVOICE_CONFIG names, else /etc/edgevoice/edgevoice.toml, else
    edgevoice/edgevoice.toml in XDG_CONFIG_HOME or ~/.config, else none. A variable EDGEVOICE_<SECTION>_<KEY>
    overrides the file; its value is read as TOML if that fits, else as plain text. Raises ``SettingsRefused`` with
    everything that is wrong. With ``spares_lights`` a light on a wrong pin is left out, if there is another to show its
    state.
    """
    source, text = _find(path, environment)
    findings = _Findings(spares_lights=spares_lights)
    if source is not None:
        findings.text = text
        _read_document(_parse(source, text), source.name, findings)
    _read_environment(environment, findings)
    findings.add_disagreements(source.name if source is not None else "the defaults")
    findings.require_a_light()
    if findings.faults:
        is_from_file = any(not fault.startswith(_PREFIX) for fault in findings.faults)
        remedy = _how_to_fix(source) if is_from_file else "Fix the variable, or remove it from the environment."
        raise SettingsRefused(tuple(findings.faults), remedy=remedy)
    return Loaded(findings.settings(), source, findings.origins, tuple(findings.dark))


def faults_in(text: str, name: str) -> tuple[str, ...]:
    """Return what would be wrong with this text as the content of the settings file of that name, one line each."""
    findings = _Findings(text=text)
    try:
        _read_document(_parse(Path(name), text), name, findings)
    except SettingsRefused as refused:
        return refused.faults
    findings.add_disagreements(name)
    return tuple(findings.faults)


def salvage_panel(path: Path | None, environment: Mapping[str, str]) -> PanelSettings | None:
    """Return the panel of settings that are refused elsewhere, so that the fault light can still be shown.

    Takes the arguments of ``load``. If the file is broken elsewhere, only the panel's lines are read. Returns ``None``
    if the file cannot be read, or if the panel itself is wrong: a light on a pin that the file does not mean could
    switch something else.
    """
    findings = _Findings()
    # The amplifier's pin may be one of the panel's.
    wanted = ("panel", "amplifier")
    try:
        source, text = _find(path, environment)
        document = _document_or_part(source, text, wanted) if source is not None else {}
    except SettingsInvalid:
        return None
    _read_document({name: document[name] for name in wanted if name in document}, "", findings)
    ours = ("EDGEVOICE_PANEL_", "EDGEVOICE_AMPLIFIER_")
    _read_environment({name: raw for name, raw in environment.items() if name.startswith(ours)}, findings)
    findings.add_disagreements("")
    panel: PanelSettings = findings.section("panel")
    return None if findings.faults else panel


# --- finding and reading ---------------------------------------------------------------------------------------------


def _find(path: Path | None, environment: Mapping[str, str]) -> tuple[Path | None, str]:
    """Return the settings file in force and its text, or ``None`` and nothing if there is no file."""
    if path is not None:
        return path, _text_of(path)
    if named := environment.get("EDGEVOICE_CONFIG"):
        try:
            return Path(named), _text_of(Path(named))
        except SettingsInvalid as refusal:
            raise SettingsRefused((f"EDGEVOICE_CONFIG: {refusal}",), remedy=refusal.remedy) from None
    for place in file_places(environment):
        try:
            is_there = place.is_file() or place.is_dir()
        except PermissionError:
            # A service under ProtectHome= cannot enter the home folder, and does not need to.
            if place == SYSTEM_FILE:
                raise SettingsRefused((f"{place} is not readable by this user",)) from None
            continue
        if is_there:
            return place, _text_of(place)
    return None, ""


def file_places(environment: Mapping[str, str]) -> list[Path]:
    """Return where to look for a settings file if none is named; the first that exists counts."""
    folder = config_folder(environment)
    return [SYSTEM_FILE] if folder is None else [SYSTEM_FILE, folder / "edgevoice.toml"]


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as failure:
        complaint = f"{path} {_why_unreadable(failure)}"
        raise SettingsRefused((complaint,), remedy="Name another file, or write one: edgevoice config init") from None
    except ValueError:  # a path with a NUL in it
        raise SettingsRefused(("the path of the settings file is not a path",)) from None
    if len(content) > LARGEST_FILE_BYTES:
        raise SettingsRefused((f"{path} is larger than {LARGEST_FILE_BYTES >> 10} KiB; it cannot be a settings file",))
    try:
        return decoded(content)
    except NotText as refusal:
        raise SettingsRefused((f"{path.name}: {refusal}",), remedy=_how_to_fix(path)) from None


def _why_unreadable(failure: OSError) -> str:
    match failure.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return "does not exist"
        case errno.EISDIR:
            return "is a folder, not a file"
        case errno.EACCES | errno.EPERM:
            return "is not readable by this user"
        case _:
            return f"cannot be read: {failure.strerror}"


def _parse(source: Path, text: str) -> dict[str, Any]:
    try:
        return parse(text)
    except NotToml as refusal:
        raise SettingsRefused((f"{source.name}: {refusal}",), remedy=_how_to_fix(source)) from None


def _document_or_part(source: Path, text: str, wanted: tuple[str, ...]) -> dict[str, Any]:
    """Parse a file, or if it is broken, only the lines of the ``wanted`` sections; refuse if they are broken too."""
    try:
        return _parse(source, text)
    except SettingsRefused:
        lines, is_wanted = [], False
        for line in text.splitlines():
            if line.lstrip().startswith("["):
                # An incomplete header may still be meant as one of them: then it breaks this part too.
                is_wanted = line.lstrip(" [").startswith(wanted)
            if is_wanted or line.lstrip().startswith(wanted):
                lines.append(line)
        return _parse(source, "\n".join(lines))


def _how_to_fix(source: Path | None) -> str:
    return f"Fix {source}; `edgevoice config check --config {source}` checks it."


# --- checking --------------------------------------------------------------------------------------------------------


def _read_document(document: Mapping[str, Any], place: str, findings: _Findings) -> None:
    for section, table in document.items():
        if section not in sections():
            findings.faults.append(f"{place}: {_complaint_about_section(section, table)}{findings.line(section)}")
        elif not isinstance(table, dict):
            findings.faults.append(f"{place}: {section} must be a section, written [{section}]{findings.line(section)}")
        else:
            _read_section(section, table, place, findings)
        if len(findings.faults) >= MOST_FAULTS:
            return


def _read_section(section: str, table: Mapping[str, Any], place: str, findings: _Findings) -> None:
    for name, value in table.items():
        entry = ENTRIES.get(f"{section}.{name}")
        if entry is not None:
            findings.take(entry, value, place)
        else:
            advice = _advice_on_name(section, name)
            where = findings.line(section, name)
            findings.faults.append(f"{place}: {section}.{shown_name(name)} is not a setting{advice}{where}")
        if len(findings.faults) >= MOST_FAULTS:
            return


def _complaint_about_section(section: str, content: object) -> str:
    name = shown_name(section)
    if isinstance(content, dict):
        near = similar(section, sections(), cutoff=0.75)
        return f"{name} is not a section{_did_you_mean(near) or _LISTED}"
    return f"{name} is not inside a section{_advice_on_name('', section)}"


def _advice_on_name(section: str, name: str) -> str:
    if not is_secret_name(name):
        return _did_you_mean(_near_names(section, name)) or _names_in(section)
    if section in _STORED_SECRETS:
        return f"; keys do not belong in the settings; store it as the secret {_STORED_SECRETS[section]}"
    return f"; {_KEYS_DO_NOT_BELONG}"


def _near_names(section: str, name: str) -> list[str]:
    """Return the likeliest full name: one in the same section, the same name in another, else anything similar."""
    here = [entry.name for entry in ENTRIES.values() if entry.section == section]
    if near := similar(name, here):
        return [f"{section}.{near[0]}"]
    elsewhere = [entry.dotted for entry in ENTRIES.values() if entry.name == name.strip().casefold()]
    if elsewhere:
        # A name of many sections, such as "enabled", says nothing.
        return elsewhere if len(elsewhere) <= _MOST_MEANT else []
    others = [entry.dotted for entry in ENTRIES.values() if entry.section != section]
    return similar(f"{section}.{name}", others, cutoff=0.75)


def _names_in(section: str) -> str:
    """Return what there is in a section, as advice: its settings if they are few, else where they are listed."""
    here = [entry.name for entry in ENTRIES.values() if entry.section == section]
    return f"; [{section}] has {', '.join(here)}" if 0 < len(here) <= _MOST_NAMED else _LISTED


def _did_you_mean(near: list[str]) -> str:
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _read_environment(environment: Mapping[str, str], findings: _Findings) -> None:
    variables = {entry.variable: entry for entry in ENTRIES.values()}
    for variable, raw in sorted(environment.items()):
        if not variable.startswith(_PREFIX) or variable in NOT_SETTINGS:
            continue
        entry = variables.get(variable)
        if entry is None:
            findings.faults.append(f"{shown_name(variable)} {_complaint_about_variable(variable, variables)}")
        elif re.search(r"[\ud800-\udfff]", raw):
            findings.faults.append(f"{variable}: {entry.dotted} is not UTF-8")
        else:
            findings.take(entry, _fitting(entry, raw), variable)


def _complaint_about_variable(variable: str, variables: Mapping[str, Entry]) -> str:
    if is_secret_name(variable):
        return f"is not a setting; {_KEYS_DO_NOT_BELONG} or EDGEVOICE_API_KEY"
    near = similar(variable, [*variables, *NOT_SETTINGS], cutoff=0.7)
    return f"is not a setting{_did_you_mean(near)}"


def _fitting(entry: Entry, raw: str) -> object:
    """Return a variable as TOML, or as plain text if only that fits: a model may be named 42."""
    readings = [*_as_toml(raw), raw]
    for reading in readings:
        try:
            entry.read(reading)
        except ValueRefused:
            continue
        return reading
    return readings[0]


def _as_toml(raw: str) -> Iterator[object]:
    try:
        document = tomllib.loads(f"value = {raw}")
    except (ValueError, RecursionError):
        return
    # A text with line ends could smuggle in further keys.
    if document.keys() == {"value"}:
        yield document["value"]
