"""GPIO lines and their users, read from the kernel through the character device. Claims no line."""

import fcntl
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# From linux/gpio.h: struct gpiochip_info is name[32], label[32], lines; struct gpio_v2_line_info is name[32],
# consumer[32], offset, num_attrs, flags, ten attributes of 16 bytes and four words of padding.
_CHIP = struct.Struct("=32s32sI")
_LINE = struct.Struct("=32s32sIIQ160s16s")
_GET_CHIP = 0x80000000 | _CHIP.size << 16 | 0xB401
_GET_LINE = 0xC0000000 | _LINE.size << 16 | 0xB405
_IS_USED = 1

HEADER_LABELS = ("pinctrl-rp1", "pinctrl-bcm")
"""Label prefixes of the chips that have the 40-pin header: on the Pi 5, and on all earlier ones."""


@dataclass(frozen=True, slots=True)
class GpioLine:
    """A line; ``consumer`` is what its user calls itself, empty if the line is free."""

    gpio: int
    name: str
    consumer: str


@dataclass(frozen=True, slots=True)
class Chip:
    """A chip and the requested lines of it."""

    path: Path
    label: str
    lines: tuple[GpioLine, ...]


def header_chip(wanted: Iterable[int], folder: Path = Path("/dev")) -> Chip | None:
    """Return the chip with the 40-pin header, else the first one, else ``None``; raises ``OSError`` without access."""
    places = sorted(folder.glob("gpiochip*"))
    chips = [_chip(place, ()) for place in places]
    header = [chip for chip in chips if chip.label.startswith(HEADER_LABELS)]
    found = (header or chips)[:1]
    return _chip(found[0].path, wanted) if found else None


def _chip(path: Path, wanted: Iterable[int]) -> Chip:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _name, label, count = _CHIP.unpack(fcntl.ioctl(descriptor, _GET_CHIP, bytes(_CHIP.size)))
        lines = tuple(_line(descriptor, gpio) for gpio in wanted if gpio < count)
    finally:
        os.close(descriptor)
    return Chip(path, _text(label), lines)


def _line(descriptor: int, gpio: int) -> GpioLine:
    question = _LINE.pack(b"", b"", gpio, 0, 0, b"", b"")
    name, consumer, _offset, _count, flags, *_ = _LINE.unpack(fcntl.ioctl(descriptor, _GET_LINE, question))
    # Some users have no name in the kernel.
    return GpioLine(gpio, _text(name), (_text(consumer) or "the kernel") if flags & _IS_USED else "")


def _text(padded: bytes) -> str:
    return padded.partition(b"\0")[0].decode(errors="replace")
