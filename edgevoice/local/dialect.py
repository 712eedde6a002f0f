"""The two dialects of the Realtime protocol that the local service speaks. No I/O.

The path in the address decides: Inworld's own path gets Inworld's behaviour, ``/v1/realtime`` gets OpenAI's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The differences between the services that speak this protocol.

    With ``keeps_valid_rest`` an update with one bad value still applies its other values; otherwise it changes nothing.
    ``rewrites_transcripts`` means that each delta of the user's words replaces the one before; otherwise deltas are
    increments. ``no_arguments`` is the arguments text of a call without arguments. With ``has_first_names`` events have
    the names of OpenAI's first protocol. ``codes`` maps an event's type and our error code to the error code that
    clients of this dialect know.
    """

    keeps_valid_rest: bool
    rewrites_transcripts: bool
    no_arguments: str
    has_first_names: bool = False
    codes: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def code(self, event_type: object, code: str) -> str:
        """Return this dialect's error code for ``code`` in answer to an event of that type."""
        return self.codes.get((str(event_type), code), code)


# Inworld's documentation: with one bad value the whole update is not applied; transcript deltas carry the whole text
# so far; existing clients report `""` for a call without arguments.
INWORLD = Dialect(keeps_valid_rest=False, rewrites_transcripts=True, no_arguments="")
# pipecat and LiveKit compare with these codes.
OPENAI = Dialect(
    keeps_valid_rest=True,
    rewrites_transcripts=False,
    no_arguments="{}",
    codes={
        ("conversation.item.create", "item_already_exists"): "item_create_duplicate_item_id",
        ("conversation.item.delete", "item_not_found"): "item_delete_invalid_item_id",
        ("conversation.item.retrieve", "item_not_found"): "item_retrieve_invalid_item_id",
        ("conversation.item.truncate", "item_not_found"): "item_truncate_invalid_item_id",
    },
)
OPENAI_FIRST = replace(OPENAI, has_first_names=True)
