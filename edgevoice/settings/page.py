"""The settings of the live page: ``[page]``."""

from typing import Annotated

from msgspec import Meta, Struct

HostNames = Annotated[
    tuple[Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")], ...],
    Meta(extra={"must_be": 'a list of host names in small letters, such as ["speaker.example.org"]'}),
]


class PageSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The live page in a browser. It is off until `sudo edgevoice page enable`, which also follows a change here.

    lan: Whether other machines of the network may open it; otherwise only a browser on this machine. What it shows,
        what is said included, then crosses the network unencrypted.
    port: The TCP port that it is served on.
    pairing_days: For how many days a browser stays paired.
    names: Further names by which browsers may call this machine, beside its own name and its addresses.
    """

    lan: bool = False
    port: Annotated[int, Meta(ge=1024, le=65535)] = 8480
    pairing_days: Annotated[int, Meta(ge=1, le=365)] = 30
    names: HostNames = ()
