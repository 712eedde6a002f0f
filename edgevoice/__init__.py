"""edgevoice: a smart speaker on a Raspberry Pi."""

__version__ = "0.2.0"
