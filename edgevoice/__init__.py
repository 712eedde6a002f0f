"""edgevoice: a smart speaker on a Raspberry Pi."""

__version__ = "0.1.0"
