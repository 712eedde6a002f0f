"""Listening: opens the box's streams once, hears the room, plays the tone. Finds out what uses a busy device."""

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyaudio

from edgevoice.audio import devices
from edgevoice.audio.cards import cards_present, stable_name
from edgevoice.audio.channels import missing
from edgevoice.audio.far_end_mixer import SpeakerFact
from edgevoice.audio.microphone import PERIOD, Microphone
from edgevoice.audio.speaker import Speaker
from edgevoice.core.facts import Device
from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.doctor.mix import capture_mix
from edgevoice.doctor.probes import Machine
from edgevoice.doctor.sound import TONE_S, Capture, Half, Samples, State, tone
from edgevoice.doctor.streams import STEP_S, nobody_hears, nobody_waits, open_streams
from edgevoice.errors import ChannelMissing, DeviceMissing
from edgevoice.settings.schema import Settings

_ITEM = "doctor"
_START_LIMIT_S = 5.0
_QUIET_S = 2.0
_TAIL_S = 0.8
_PLAY_LIMIT_S = TONE_S + 3.0

LIMIT_S = 25.0
"""For the whole check: a card that hangs while it is opened takes the supervisor's own 10 s."""

_INVALID_RATE, _INVALID_CHANNELS = -9997, -9998
_NOTHING: Samples = np.zeros(0, np.int16)


def listen(settings: Settings, machine: Machine, *, volume_percent: int, box_runs: bool) -> Capture:
    """Hear the room for 2 s and play the tone; a device that does not open is reported in its half."""
    with devices.sound_library(_names(settings).values()) as library:
        halves = {
            device: _preflight(library, device, name, machine, settings.microphone.channel, box_runs=box_runs)
            for device, name in _names(settings).items()
        }
    if any(half.state is State.OPEN for half in halves.values()):
        return asyncio.run(_visit(settings, machine, halves, volume_percent=volume_percent, box_runs=box_runs))
    return Capture(halves[Device.MICROPHONE], halves[Device.SPEAKER], _NOTHING, _NOTHING)


def _names(settings: Settings) -> dict[Device, str]:
    return {Device.MICROPHONE: settings.microphone.device, Device.SPEAKER: settings.speaker.device}


def _preflight(
    library: pyaudio.PyAudio, device: Device, name: str, machine: Machine, channel: int, *, box_runs: bool
) -> Half:
    """Look for a device and check whether it supports our rate; PortAudio opens it for a moment to find out."""
    try:
        found = devices.find(library, device, name)
    except DeviceMissing as error:
        # PortAudio opens every card to list it, so a card that is in use is not in its list.
        if owners_of(device, machine):
            taken = busy(device, name, machine, box_runs=box_runs)
            is_others = taken.state is State.BUSY
            return replace(taken, remedy=f"{taken.remedy}; or {error.remedy}") if is_others else taken
        return Half(name, State.MISSING, str(error), error.remedy)
    if device is Device.MICROPHONE and channel >= found.inputs:
        return Half(name, State.NO_CHANNEL, missing(found.name, found.inputs, channel), ChannelMissing.remedy)
    side = "input" if device is Device.MICROPHONE else "output"
    rate_hz = NEAR_END_HZ if device is Device.MICROPHONE else FAR_END_HZ
    wanted = {f"{side}_device": found.index, f"{side}_channels": 1, f"{side}_format": pyaudio.paInt16}
    try:
        library.is_format_supported(rate_hz, **wanted)
    except ValueError as refusal:
        if set(refusal.args) & {_INVALID_RATE, _INVALID_CHANNELS}:
            return Half(
                name,
                State.WRONG_RATE,
                f"{found.name} does not support {rate_hz} Hz",
                "Use a name that resamples (default, edgevoice_mic, edgevoice_dac) instead of the card itself.",
            )
        return busy(device, name, machine, box_runs=box_runs)
    stable = stable_name(name, cards_present())
    return Half(name, State.OPEN, stable=stable if stable != name else "")


async def _visit(
    settings: Settings, machine: Machine, halves: Mapping[Device, Half], *, volume_percent: int, box_runs: bool
) -> Capture:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    signal = tone().tobytes()

    def tell(_fact: SpeakerFact) -> None:
        loop.call_soon_threadsafe(over.set)

    microphone = Microphone(nobody_hears, nobody_waits)
    speaker = Speaker(tell, prefill_ms=20, volume_percent=volume_percent, earcon_percent=0)
    positions = {Device.MICROPHONE: lambda: microphone.position, Device.SPEAKER: lambda: speaker.position}
    periods: list[tuple[bytes, int]] = []
    hears_all = lambda pcm, channels: periods.append((pcm, channels))  # noqa: E731 - it only names the channels
    async with capture_mix(settings) as mix, open_streams(settings, microphone, speaker, hears_all) as lost:
        began = time.monotonic()
        while time.monotonic() - began < _START_LIMIT_S:
            if all(each in lost or positions[each]() > 0 for each in Device):
                break
            await asyncio.sleep(STEP_S)
        first, first_at = microphone.position, time.monotonic()
        # Gaps while opening say nothing about what follows.
        gaps = microphone.overflows, speaker.underflows
        await asyncio.sleep(_QUIET_S)
        begin = microphone.position
        rate_hz = (begin - first) / (time.monotonic() - first_at)
        if Device.SPEAKER not in lost:
            speaker.play(_ITEM, 0, signal)
            speaker.finish()
            await _in_time(over, _PLAY_LIMIT_S)
        await asyncio.sleep(_TAIL_S)
        got, pcm = microphone.read(first)
        backend = speaker.backend
        channels = _by_channel(periods, first, begin)
    overflows, underflows = microphone.overflows - gaps[0], speaker.underflows - gaps[1]
    sides = {each: _after(each, halves[each], lost, machine, box_runs=box_runs) for each in Device}
    samples = np.frombuffer(pcm, "<i2")
    quiet, during = samples[: begin - got], samples[max(0, begin - got) :]
    ears = sides[Device.MICROPHONE]
    figures = rate_hz, overflows, underflows
    return Capture(ears, sides[Device.SPEAKER], quiet, during, *figures, channels, backend, mix)


def _by_channel(periods: list[tuple[bytes, int]], first: int, begin: int) -> tuple[Samples, Samples] | None:
    """Return what every channel heard from sample ``first`` to ``begin``, and after that."""
    before, after = periods[first // PERIOD : begin // PERIOD], periods[begin // PERIOD :]
    counts = {channels for _, channels in (*before, *after)}
    # It may have been reopened with another number of channels.
    if len(counts) != 1 or not before or not after:
        return None
    (count,) = counts
    joined = [b"".join(pcm for pcm, _ in part) for part in (before, after)]
    quiet, during = (np.frombuffer(part, "<i2").reshape(-1, count) for part in joined)
    return quiet, during


async def _in_time(event: asyncio.Event, limit_s: float) -> None:
    """Wait for an event, but not for ever."""
    waiting = asyncio.ensure_future(event.wait())
    await asyncio.wait({waiting}, timeout=limit_s)
    waiting.cancel()


def _after(device: Device, half: Half, lost: list[Device], machine: Machine, *, box_runs: bool) -> Half:
    if half.state is not State.OPEN or device not in lost:
        return half
    return busy(device, half.name, machine, box_runs=box_runs)


# --- who has it ------------------------------------------------------------------------------------------------------


def busy(device: Device, name: str, machine: Machine, *, box_runs: bool) -> Half:
    """Return why a device that is present does not open: the box uses it, another program does, or it is unknown."""
    owners = owners_of(device, machine)
    # Without ALSA's files, as behind a sound server, the user is unknown; a running box is then the likeliest.
    is_untold = not machine.glob("/proc/asound/card*")
    if "edgevoice" in owners.values() or (box_runs and is_untold):
        return Half(
            name,
            State.WITH_THE_BOX,
            "in use by the box itself, so it works",
            "To measure it: sudo systemctl stop edgevoice; edgevoice doctor; sudo systemctl start edgevoice",
        )
    if owners:
        process, command = next(iter(owners.items()))
        return Half(
            name,
            State.BUSY,
            f"{name} does not open; {command or 'a program'} (process {process}) has a {device} open",
            f"End that program, or give it another card: sudo kill {process}",
        )
    return Half(
        name,
        State.BUSY,
        f"{name} is present but does not open",
        "`sudo fuser -v /dev/snd/*` shows which program uses it; is this user in the group audio?",
    )


def owners_of(device: Device, machine: Machine) -> dict[int, str]:
    """Return the processes with open streams in this direction, according to ALSA's files: id and program name."""
    side = "c" if device is Device.MICROPHONE else "p"
    owners: dict[int, str] = {}
    for path in machine.glob(f"/proc/asound/card*/pcm*{side}/sub*/status"):
        for line in (machine.read(path) or "").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "owner_pid" and value.strip().isdigit() and int(value) != os.getpid():
                command = (machine.read(f"/proc/{int(value)}/cmdline") or "").replace("\0", " ")
                owners[int(value)] = _program(command)
    return owners


def _program(command: str) -> str:
    """Return what a command line runs, without its arguments, which may be private."""
    words = command.split()
    if any(Path(word).name == "edgevoice" for word in words) or "edgevoice" in words[2:3]:
        return "edgevoice"
    return Path(words[0]).name if words else ""
