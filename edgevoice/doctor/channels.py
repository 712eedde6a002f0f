"""Judging the channels of a microphone: which ones hear the room, loop back the speaker, or are silent."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from edgevoice.doctor.findings import Finding, doubtful, fine

Channels = npt.NDArray[np.int16]
"""Shape (samples, channels), s16."""

_SILENT_DBFS = -90.0
"""Noise of the last bit: converters without a microphone deliver zeros, or less than this."""

_FAINT_DBFS, _FAINT_DB = -80.0, 25.0
"""Below the one level, and by the other below the best channel: crosstalk into a slot without a microphone."""

_APART_DB = 10.0
"""How a loopback differs from microphones: it hears less of the room, and the played sound does not cross the air."""


class ChannelKind(StrEnum):
    """What a channel is."""

    ROOM = "room"
    LOOPBACK = "loopback"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel, its level in the quiet room in dBFS, and what it appears to be."""

    number: int
    quiet_dbfs: float
    kind: ChannelKind

    def __str__(self) -> str:
        match self.kind:
            case ChannelKind.ROOM:
                return f"{self.number} at {self.quiet_dbfs:.0f} dBFS"
            case ChannelKind.LOOPBACK:
                return f"{self.number} loops back the speaker"
            case ChannelKind.SILENT:
                return f"{self.number} silent"


def channels_of(quiet: Channels, during: Channels) -> list[Channel]:
    """Return the channels of a card from what was heard in quiet and while the speaker played.

    Trailing channels of zeros are left out, and so are copies of the first channel: ALSA invents both.
    """
    everything = np.concatenate([quiet, during])
    sounding = np.flatnonzero(everything.any(axis=0))
    count = int(sounding[-1]) + 1 if len(sounding) else 1
    if (everything[:, :count] == everything[:, :1]).all():
        count = 1
    before = [_dbfs(quiet[:, number]) for number in range(count)]
    after = [_dbfs(during[:, number]) for number in range(count)]
    kinds = [_kind(number, before, after) for number in range(count)]
    return [Channel(number, before[number], kinds[number]) for number in range(count)]


def _kind(number: int, before: Sequence[float], after: Sequence[float]) -> ChannelKind:
    rises = after[number] > before[number] + _FAINT_DB
    if before[number] < _SILENT_DBFS:
        return ChannelKind.LOOPBACK if rises else ChannelKind.SILENT
    others = [other for other in range(len(before)) if other != number and before[other] >= _SILENT_DBFS]
    if others and rises:
        quieter_db = float(np.median([before[other] for other in others])) - before[number]
        louder_db = after[number] - float(np.median([after[other] for other in others]))
        if min(quieter_db, louder_db) > _APART_DB:
            return ChannelKind.LOOPBACK
    return ChannelKind.SILENT if before[number] < min(_FAINT_DBFS, max(before) - _FAINT_DB) else ChannelKind.ROOM


def judge_channels(channels: Sequence[Channel], chosen: int) -> Finding | None:
    """Judge whether the chosen channel hears the room; with one channel, the microphone's line says enough."""
    name, rooms = "channels", [each for each in channels if each.kind is ChannelKind.ROOM]
    figures = {f"channel_{each.number}_dbfs": round(each.quiet_dbfs, 1) for each in channels}
    listed = f"{len(channels)}: {'; '.join(map(str, channels))}"
    if chosen in {each.number for each in rooms}:
        return fine(name, f"{listed}. Listening to {chosen}", **figures) if len(channels) > 1 else None
    if not rooms:
        # There is nothing better; the microphone's own line says what is wrong with it.
        return None
    what = next((str(each.kind) for each in channels if each.number == chosen), "not there")
    described = {"loopback": "loops back the speaker", "silent": "is silent", "not there": "does not exist"}[what]
    return doubtful(
        name,
        f"{listed}. Listening to {chosen}, which {described}",
        f"Set microphone.channel = {rooms[0].number} in the settings, and restart the box.",
        **figures,
    )


def _dbfs(samples: npt.NDArray[np.int16]) -> float:
    if not len(samples):
        return -120.0
    sound = samples.astype(np.float64) / 32_768
    return 10 * float(np.log10(max(1e-12, float(np.mean((sound - sound.mean()) ** 2)))))
