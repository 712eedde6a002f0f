"""Control: how programs of this machine talk to a running box: the messages of its socket, and a client."""

from edgevoice.control.client import Client

__all__ = ["Client"]
