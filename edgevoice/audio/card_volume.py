"""Card volume: moves the card's own control, so that quiet answers keep their resolution; the samples do the rest.

100 % is where the owner left the control: the box is never louder by it than without it.
"""

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import msgspec

from edgevoice.audio.alsa import AlsaError
from edgevoice.audio.devices import silent_stderr
from edgevoice.audio.mixer import Mixer, MixerPlace, Scale, mixer_place
from edgevoice.core.sound.volume_split import factor_of, next_level_db
from edgevoice.journal import tell
from edgevoice.store.files import DAMAGED, write_whole

_log = logging.getLogger(__name__)

AUTO: Final = "auto"
SOFTWARE: Final = "software"

_LOOK_S: Final = 0.25
"""How often it looks whether the speaker is silent, while the control is to go down."""

_SILENT_LOOKS: Final = 2
"""For how many of them it has to be: that is longer than what the card holds and the room returns."""

_SAME_DB: Final = 0.02
_LEAST_RANGE_DB: Final = 20.0
_LARGEST_BYTES: Final = 4096

_OF_EVERYTHING: Final = ("Master", "PCM", "Digital", "Playback")
"""Controls that all playback passes, in the order in which they are taken."""

_OF_AN_OUTPUT: Final = frozenset({"Speaker", "Headphone", "Headset", "Line Out"})
"""Controls of one output: taken if it is the only one, since others may be what is connected."""

_SHARED: Final = "other programs may play on the same card"


class CardSpeaker(Protocol):
    """The speaker whose card this is."""

    @property
    def is_silent(self) -> bool:
        """Whether it has nothing to play."""
        ...

    @property
    def needed_gain(self) -> float:
        """The largest gain, 0 to 1, of what it may play now."""
        ...

    def take_card_gain(self, gain: float, wake: Callable[[], None] | None) -> None:
        """Know what the card's control gives of each gain, and what to call when more may be needed."""
        ...


class _Kept(msgspec.Struct, frozen=True):
    """Where the owner left a control, and the levels at which the box may have left it, in dB.

    While it ``is_moving``, it may be at any step between the lowest of them and the owner's level.
    """

    card: str = ""
    control: str = ""
    full_db: float = 0.0
    left_db: tuple[float, ...] = ()
    is_moving: bool = False

    def is_left_at(self, level_db: float) -> bool:
        """Return whether the box may have left the control there."""
        if self.is_moving and self.left_db:
            return min(self.left_db) - _SAME_DB < level_db < self.full_db + _SAME_DB
        return any(abs(level_db - each) < _SAME_DB for each in self.left_db)


class FullLevel:
    """Keeps where the owner left a control; with ``path`` also for the next start, since a box may be killed."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._kept = _Kept()

    @property
    def left(self) -> tuple[str, str] | None:
        """The card and the control that the box may have left elsewhere than its owner did, if there is one."""
        kept = self._read()
        return (kept.card, kept.control) if kept.left_db else None

    def owners_db(self, card: str, control: str, level_db: float) -> float:
        """Return the owner's level: the one that is kept, if the control is where the box left it, else this one."""
        return self._of(card, control, level_db).full_db

    def find(self, card: str, control: str, level_db: float) -> float:
        """Return the owner's level as `owners_db`, and keep that of this control from now on."""
        self._kept = self._of(card, control, level_db)
        return self._kept.full_db

    def about_to_move(self, full_db: float, *levels_db: float, is_moving: bool = False) -> None:
        """Write down that the control is at one of these levels from now on, or ``is_moving`` between its steps."""
        self._keep(msgspec.structs.replace(self._kept, full_db=full_db, left_db=levels_db, is_moving=is_moving))

    def bring_back(self, card: str, control: str) -> None:
        """Move the control to where the owner left it; raise ``AlsaError`` if the card does not let it."""
        with Mixer(card) as mixer:
            level_db = mixer.level_db(control)
            full_db = self.find(card, control, level_db)
            # Also where it is now: the box may be killed before the move, and the machine may have stored its levels.
            self.about_to_move(full_db, level_db, full_db)
            mixer.move(control, full_db)

    def forget(self) -> None:
        """Keep no control's level: the box moves none."""
        self._keep(_Kept())

    def _of(self, card: str, control: str, level_db: float) -> _Kept:
        kept = self._read()
        is_left = (kept.card, kept.control) == (card, control) and kept.is_left_at(level_db)
        return kept if is_left else _Kept(card, control, level_db)

    def _keep(self, kept: _Kept) -> None:
        self._kept = kept
        if self._path is None:
            return
        try:
            write_whole(self._path, msgspec.json.encode(self._kept))
        except OSError as error:
            tell(_log, logging.WARNING, "mixer-file-not-written", file=str(self._path), problem=str(error))

    def _read(self) -> _Kept:
        if self._path is None:
            return self._kept
        try:
            with self._path.open("rb") as file:
                return msgspec.json.decode(file.read(_LARGEST_BYTES), type=_Kept)
        except (OSError, *DAMAGED):
            return _Kept()


class CardVolume:
    """Moves one control as the speaker needs it, in a thread of its own that rests while there is nothing to do.

    Owns the mixer. Whoever else moves the control, moves what 100 % is. A card that is gone, or refuses, leaves all of
    the volume to the samples.
    """

    def __init__(self, mixer: Mixer, ctl: str, scale: Scale, speaker: CardSpeaker, full: FullLevel) -> None:
        self._mixer = mixer
        self._ctl = ctl
        self._scale = scale
        self._speaker = speaker
        self._full = full
        self._full_db = full.find(ctl, scale.name, scale.level_db)
        self._at_db = scale.level_db
        self._wanted = threading.Condition()
        self._asked_db: float | None = None
        self._is_wanted = True
        self._is_closed = False
        self._tell_speaker()
        self._thread = threading.Thread(target=self._run, name="card volume", daemon=True)
        self._thread.start()

    @property
    def card_db(self) -> float:
        """How far the control is below where the owner left it, in dB, 0 or less."""
        return min(0.0, self._at_db - self._full_db)

    def wake(self) -> None:
        """Look soon whether the control is to be moved; from any thread, returns at once."""
        with self._wanted:
            self._is_wanted = True
            self._wanted.notify()

    def close(self) -> None:
        """Move it no more, and close the mixer; the control stays where it is."""
        with self._wanted:
            self._is_closed = True
            self._wanted.notify()
        self._thread.join()
        self._mixer.close()

    def _run(self) -> None:
        silent_from_s = math.inf
        try:
            while True:
                is_settled = self._look(is_silent=time.monotonic() - silent_from_s >= _SILENT_LOOKS * _LOOK_S)
                with self._wanted:
                    if not self._is_wanted and not self._is_closed:
                        self._wanted.wait(None if is_settled else _LOOK_S)
                    self._is_wanted = False
                    if self._is_closed:
                        return
                # What sounded during a rest without end is not known, and may still be in the card.
                is_still_silent = self._speaker.is_silent and not is_settled
                silent_from_s = min(silent_from_s, time.monotonic()) if is_still_silent else math.inf
        except AlsaError as error:
            tell(_log, logging.WARNING, "mixer-lost", control=self._scale.name, problem=str(error.strerror))
            self._at_db = self._full_db
            self._speaker.take_card_gain(1.0, None)
            # A card that is there, and only refused once, would stay soft, and rings with it.
            with contextlib.suppress(AlsaError):
                self._full.bring_back(self._ctl, self._scale.name)

    def _look(self, *, is_silent: bool) -> bool:
        """Move the control if it is to be moved now; return whether nothing is left to do."""
        self._notice_others()
        if (level_db := self._next_level(is_silent=is_silent)) is not None:
            self._asked_db = level_db
            self._move(level_db)
        return is_silent and self._next_level(is_silent=True) is None

    def _next_level(self, *, is_silent: bool) -> float | None:
        lowest_db = min(0.0, self._scale.lowest_db - self._full_db)
        level_db = next_level_db(self.card_db, self._speaker.needed_gain, lowest_db=lowest_db, is_silent=is_silent)
        # Asked again, a control with wide steps would only go where it is.
        return None if level_db == self._asked_db else level_db

    def _notice_others(self) -> None:
        found_db = self._mixer.level_db(self._scale.name)
        if abs(found_db - self._at_db) >= _SAME_DB:
            self._full_db = min(self._scale.highest_db, self._full_db + found_db - self._at_db)
            self._at_db, self._asked_db = found_db, None
            self._full.about_to_move(self._full_db, found_db)
            self._tell_speaker()

    def _move(self, level_db: float) -> None:
        wanted_db = max(self._scale.lowest_db, self._full_db + level_db)
        if abs(wanted_db - self._at_db) < _SAME_DB:
            return
        self._full.about_to_move(self._full_db, self._at_db, wanted_db, is_moving=True)
        if wanted_db > self._at_db:
            # First the samples: what begins meanwhile is too quiet for some milliseconds, never too loud.
            self._speaker.take_card_gain(factor_of(min(0.0, level_db)), self.wake)
        self._at_db = self._mixer.move(self._scale.name, wanted_db)
        self._tell_speaker()
        self._full.about_to_move(self._full_db, self._at_db)

    def _tell_speaker(self) -> None:
        self._speaker.take_card_gain(factor_of(self.card_db), self.wake)


@dataclass(frozen=True, slots=True)
class FoundControl:
    """The control that sets the volume, or in one clause why none does; ``others`` are what the card has."""

    place: MixerPlace
    scale: Scale | None = None
    why: str = ""
    others: tuple[str, ...] = ()


def find_control(
    wanted: str, place: MixerPlace, scales: Sequence[Scale], full: FullLevel | None = None
) -> FoundControl:
    """Choose among the controls of a card: the one that is named, or with "auto" the one that is safe to move.

    What the box has moved itself, as ``full`` knows, is as safe as where the owner left it.
    """
    full = full or FullLevel(None)
    names = tuple(scale.name for scale in scales)
    if wanted != AUTO:
        scale = next((scale for scale in scales if scale.name == wanted), None)
        why = f'the card has no control "{wanted}" for playback with a scale in dB'
        return FoundControl(place, scale, "" if scale else why, names)
    if not place.is_alone:
        return FoundControl(place, None, _SHARED, names)
    safe = [
        scale
        for scale in scales
        if scale.is_even and full.owners_db(place.ctl, scale.name, scale.level_db) - scale.lowest_db >= _LEAST_RANGE_DB
    ]
    chosen = next((scale for name in _OF_EVERYTHING for scale in safe if scale.name == name), None)
    if chosen is None and len(outputs := [scale for scale in safe if scale.name in _OF_AN_OUTPUT]) == 1:
        (chosen,) = outputs
    return FoundControl(place, chosen, "" if chosen else "the card has no control that is surely the volume", names)


def look_for_control(device: str, wanted: str, full: FullLevel | None = None) -> FoundControl:
    """Look for the control of a device's card as `find_control` chooses; blocks for milliseconds."""
    if wanted == SOFTWARE:
        return FoundControl(MixerPlace(device), None, "speaker.mixer says so")
    place = mixer_place(device)
    if wanted == AUTO and not place.ctl.startswith("hw:"):
        # It may be a sound server, and opening its mixer may wait for it.
        return FoundControl(place, None, _SHARED)
    try:
        with silent_stderr(), Mixer(place.ctl) as mixer:
            return find_control(wanted, place, mixer.scales(), full)
    except AlsaError as error:
        return FoundControl(place, None, f"no mixer: {error.strerror}")


class CardVolumes:
    """Opens the card volume of a device as ``wanted``: "auto", "software" or a control's name; ``path`` as `FullLevel`.

    Says once in the log what was found.
    """

    def __init__(self, wanted: str = SOFTWARE, path: Path | None = None) -> None:
        self._wanted = wanted
        self._full = FullLevel(path)
        self._moved: tuple[str, str] | None = None
        self._told = ""

    def open(self, device: str, speaker: CardSpeaker) -> CardVolume | None:
        """Return what moves the control, ``None`` if all of the volume is left to the samples."""
        if self._wanted == SOFTWARE:
            self._bring_back_other(None)
            return None
        found = look_for_control(device, self._wanted, self._full)
        why, ctl, scale = found.why, found.place.ctl, found.scale
        self._bring_back_other(None if scale is None else (ctl, scale.name))
        if scale is not None:
            try:
                mixer = Mixer(ctl)
            except AlsaError as error:
                why = f"no mixer: {error.strerror}"
            else:
                self._tell(f'"{scale.name}" of {ctl}', is_amiss=False)
                self._moved = ctl, scale.name
                return CardVolume(mixer, ctl, scale, speaker, self._full)
        self._tell(f"in software: {why}", is_amiss=self._wanted != AUTO)
        speaker.take_card_gain(1.0, None)
        return None

    def restore(self) -> None:
        """Bring the control back to where the owner left it, for other programs; nothing may play any more."""
        if self._moved is None:
            return
        try:
            self._full.bring_back(*self._moved)
        except AlsaError as error:
            tell(_log, logging.DEBUG, "mixer-lost", control=self._moved[1], problem=str(error.strerror))

    def _bring_back_other(self, chosen: tuple[str, str] | None) -> None:
        """Bring back what the box, or the one before it, has moved and moves no longer; until its card is there."""
        left = self._full.left
        if left is not None and left != chosen:
            with contextlib.suppress(AlsaError):
                self._full.bring_back(*left)
                self._full.forget()

    def _tell(self, found: str, *, is_amiss: bool) -> None:
        if found != self._told:
            self._told = found
            tell(_log, logging.WARNING if is_amiss else logging.INFO, "volume-control", by=found)
