"""The plan: which checks a box gets according to its settings, in the order of the table."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from edgevoice.doctor import (
    channels,
    configuration,
    declared_tools,
    failures,
    guests,
    hardware,
    mix,
    network,
    pins,
    service_manager,
    sound,
    volume,
)
from edgevoice.doctor.examination import Check, run
from edgevoice.doctor.findings import Finding, skipped, wrong
from edgevoice.doctor.listening import LIMIT_S, listen
from edgevoice.doctor.probes import Machine
from edgevoice.echo.record import EchoRecord, read_record
from edgevoice.echo.tier_choice import choose
from edgevoice.echo.tiers import Tier
from edgevoice.errors import SettingsInvalid
from edgevoice.host.credentials import Key, find_key
from edgevoice.settings.file import SYSTEM_FILE, Loaded, SettingsRefused, load
from edgevoice.settings.schema import Settings
from edgevoice.store.folders import cache_folder, state_folder

_FIRST = "Fix the settings first."
_SESSION_LIMIT_S = 20.0
_INSIDE_LIMIT_S = 130.0
"""Longer than the service's own limit, which it may need on a small Pi at its first start: its own error says more."""

_SERVERS_LIMIT_S = 130.0
"""Longer than the check waits for servers, so that those that answer are reported beside one that does not."""

_WORDS_LIMIT_S = 60.0
"""Loading takes 0.2 s; the first time, the front end is built, which takes 1.5 s on a PC and longer on a small Pi."""

_SOUND = ("microphone", "speaker")


@dataclass(frozen=True, slots=True)
class Part:
    """Findings that belong together, and the names of the lines that are still being examined, slowly."""

    findings: list[Finding]
    follow: tuple[str, ...] = ()


@dataclass(frozen=True)
class Examination:
    """What to check, and how; ``volume_percent`` is how loud the tone is, by default as in the settings."""

    path: Path | None
    environment: Mapping[str, str]
    machine: Machine = field(default_factory=Machine)
    with_sound: bool = True
    volume_percent: int | None = None

    def findings(self) -> list[Finding]:
        """Run every check; see `parts`."""
        return [finding for part in self.parts() for finding in part.findings]

    def parts(self) -> Iterator[Part]:
        """Run every check: the sound when nothing else competes for the processor, and last what may take minutes."""
        manager_says = self.machine_manager
        checks = [
            *self._checks_without_settings(),
            Check(("service",), lambda: [service_manager.judge_manager(manager_says)]),
        ]
        try:
            loaded = load(self.path, self.environment)
        except SettingsRefused as refusal:
            faults = [wrong("settings", fault, refusal.remedy, code=refusal.code) for fault in refusal.faults]
            rest = ("key", "wake word", "echo", "volume", "pins", "network", "TLS", "session", *_SOUND)
            yield Part([*faults, *(skipped(name, "needs the settings", _FIRST) for name in rest), *run(checks)])
            return
        key, key_finding = self._key(loaded)
        record = read_record(state_folder(self.environment))
        first = [configuration.judge_settings(loaded), key_finding]
        if key_finding.mark == "wrong":
            session: Callable[[], Iterable[Finding]] = lambda: [  # noqa: E731 - one of two
                skipped("session", "needs the key", "Fix the key first.")
            ]
        else:
            session = lambda: [network.examine_session(loaded.settings, key, self.environment)]  # noqa: E731
        done = [*first, *run([*_checks(self, loaded, key, record, session), *checks])]
        heard = run([self._sound(loaded, record)]) if self.with_sound else _unheard(loaded.settings)
        servers = self._servers(loaded.settings)
        yield Part([*done, *heard], tuple(name for check in servers for name in check.names))
        if servers:
            yield Part(run(servers))

    @cached_property
    def machine_manager(self) -> Mapping[str, str] | None:
        """What the service manager says about the box."""
        return service_manager.probe_manager(self.machine)

    def _checks_without_settings(self) -> list[Check]:
        machine = self.machine
        folder = state_folder(self.environment)
        return [
            Check(("disk",), lambda: [hardware.judge_disk(hardware.probe_disk(folder))]),
            Check(("memory",), lambda: [hardware.judge_memory(hardware.probe_memory(machine))]),
            Check(("clock",), lambda: [hardware.examine_clock()]),
            Check(("power",), lambda: [hardware.judge_power(hardware.probe_power(machine))]),
            Check(("Wi-Fi",), lambda: [hardware.judge_radio(hardware.probe_radio(machine))]),
            Check(("failures",), lambda: [failures.examine_failures(cache_folder(self.environment))]),
            Check(("guests",), lambda: [guests.examine_guests(cache_folder(self.environment))]),
        ]

    def _key(self, loaded: Loaded) -> tuple[Key | None, Finding]:
        try:
            key = find_key(loaded.settings.service, self.environment)
        except SettingsInvalid as refusal:
            return None, wrong("key", str(refusal), refusal.remedy, code=refusal.code)
        return key, configuration.judge_key(key, loaded.settings)

    def _servers(self, settings: Settings) -> list[Check]:
        """Return the check of the MCP servers, if there are any; the first start of one may take a minute."""
        if not settings.mcp.servers:
            return []

        def examine() -> Iterable[Finding]:
            # Loaded only if configured.
            from edgevoice.doctor import mcp  # noqa: PLC0415

            return mcp.examine_servers(settings.mcp, self.environment, is_quick=not self.with_sound)

        return [Check(tuple(f"MCP {name}" for name in settings.mcp.servers), examine, _SERVERS_LIMIT_S)]

    def _sound(self, loaded: Loaded, record: EchoRecord | None) -> Check:
        settings = loaded.settings
        volume = settings.speaker.volume_percent if self.volume_percent is None else self.volume_percent

        def examine() -> Iterable[Finding]:
            box_runs = service_manager.is_running(self.machine_manager)
            heard = listen(settings, self.machine, volume_percent=volume, box_runs=box_runs)
            yield sound.judge_microphone(heard)
            found = channels.channels_of(*heard.channels) if heard.channels is not None else []
            if (finding := channels.judge_channels(found, settings.microphone.channel)) is not None:
                yield finding
            tier = choose(settings, record).tier
            yield sound.judge_speaker(heard, cancels_itself=tier is Tier.HARDWARE)
            if settings.echo.has_mix:
                yield mix.judge_mix(heard.mix, heard.speaker, tier)

        return Check(_sounds(settings), examine, LIMIT_S)


def _sounds(settings: Settings) -> tuple[str, ...]:
    return (*_SOUND, mix.NAME) if settings.echo.has_mix else _SOUND


def _unheard(settings: Settings) -> list[Finding]:
    return [skipped(name, "not examined", "Run it without --quick.") for name in _sounds(settings)]


def _checks(
    examination: Examination,
    loaded: Loaded,
    key: Key | None,
    record: EchoRecord | None,
    session: Callable[[], Iterable[Finding]],
) -> list[Check]:
    settings, machine = loaded.settings, examination.machine
    address = network.address_of(settings.service, key)
    wanted = pins.wanted_pins(settings)

    def hides_homes() -> bool:
        # The service reads that file and no other.
        return loaded.source == SYSTEM_FILE and service_manager.hides_homes(examination.machine_manager)

    def examine_words() -> Iterable[Finding]:
        return [configuration.examine_words(settings, cache_folder(examination.environment), hides_homes=hides_homes())]

    def examine_pins() -> Iterable[Finding]:
        runs = service_manager.is_running(examination.machine_manager)
        found = pins.probe_pins(wanted, examination.environment, machine.root / "dev")
        panel = settings.panel
        return [pins.judge_pins(found, wanted, kind=panel.kind, without_lights=panel.without_lights, box_runs=runs)]

    def examine_tools() -> Iterable[Finding]:
        return [declared_tools.examine_declared_tools(settings.tools, examination.environment, machine.root)]

    return [
        *([Check(("tools",), examine_tools)] if settings.tools.http else []),
        Check(("wake word",), examine_words, _WORDS_LIMIT_S),
        Check(("echo",), lambda: [configuration.examine_echo(settings, record)]),
        Check(("volume",), lambda: [volume.judge_volume(settings.speaker, volume.probe_volume(settings.speaker))]),
        Check(("pins",), examine_pins),
        Check(("network",), lambda: [network.judge_way(network.probe_way(machine, address), address)]),
        Check(("TLS",), lambda: [network.judge_tls(network.probe_tls(address), address)]),
        Check(("session",), session, _INSIDE_LIMIT_S if address.is_inside else _SESSION_LIMIT_S),
        *_checks_of_integrations(settings, examination.environment, machine.root, hides_homes),
    ]


def _checks_of_integrations(
    settings: Settings, environment: Mapping[str, str], root: Path, hides_homes: Callable[[], bool]
) -> Iterable[Check]:
    """Yield the checks of what the box does with other machines; loaded only if something is configured."""
    if not (settings.home.url or settings.mqtt.host or settings.music.bus):
        return
    from edgevoice.doctor import integrations  # noqa: PLC0415

    if settings.home.url:
        yield Check(("home",), lambda: [integrations.examine_home(settings.home, environment, root)], _SESSION_LIMIT_S)
    if settings.mqtt.host:
        yield Check(("MQTT",), lambda: [integrations.examine_mqtt(settings.mqtt, environment, root)], _SESSION_LIMIT_S)
    if settings.music.bus:
        has_mix = settings.echo.has_mix
        yield Check(
            ("music",),
            lambda: [integrations.examine_music(settings.music, has_mix=has_mix, hides_homes=hides_homes())],
            _SESSION_LIMIT_S,
        )
