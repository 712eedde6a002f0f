"""`edgevoice wakeword tune --apply`: puts proposed thresholds into the settings file, and leaves the rest as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgevoice.errors import EdgevoiceError
from edgevoice.settings.editing import EditRefused, put
from edgevoice.settings.file import Loaded
from edgevoice.settings.text import NotText, decoded
from edgevoice.store.files import rewrite
from edgevoice.wakeword.tuning.proposal import Proposal
from edgevoice.wakeword.words import WakeWord, wake_words


class NotApplied(EdgevoiceError, OSError):
    """The proposed thresholds cannot be written; the settings file is as it was."""

    code = "tuning-not-applied"
    remedy = "Put the proposed values into the settings file by hand, then restart the box."


@dataclass(frozen=True, slots=True)
class Change:
    """A setting to be written, by the names of its sections and its own; ``before`` is the value in force."""

    path: tuple[str, ...]
    value: float
    before: float

    @property
    def setting(self) -> str:
        """Return the setting's full name: "wakeword.threshold"."""
        return ".".join(self.path)


def changes_for(loaded: Loaded, word: WakeWord, proposal: Proposal) -> tuple[Change, ...]:
    """Return what has to be written for a proposal: nothing where it keeps the threshold in force, or is no good.

    One frame must not need a lower score than two, so a threshold above ``sure_threshold`` takes that along.
    """
    wanted, limits = proposal.proposed.threshold, word.thresholds
    if not proposal.keeps_within or wanted == limits.threshold:
        return ()
    changes = [Change(_path(loaded, word, "threshold"), wanted, limits.threshold)]
    if wanted > limits.sure:
        changes.append(Change(_path(loaded, word, "sure_threshold"), wanted, limits.sure))
    return tuple(changes)


def _path(loaded: Loaded, word: WakeWord, name: str) -> tuple[str, ...]:
    """Return where a word's own value belongs: in its own section, or for the first word in ``wakeword`` itself."""
    settings = loaded.settings.wakeword
    is_first = wake_words(settings)[0].name == word.name
    has_own = name in settings.words.get(word.name, {})
    return ("wakeword", name) if is_first and not has_own else ("wakeword", "words", word.name, name)


def apply(loaded: Loaded, changes: Mapping[tuple[str, ...], float]) -> Path:
    """Write the values into the settings file that is in force and return its path. Raises ``NotApplied``.

    Comments, order and line ends stay as they are.
    """
    place = loaded.source
    if place is None:
        raise NotApplied(
            "there is no settings file to write the thresholds into",
            remedy="Write one with `edgevoice config init`, then run this again.",
        )
    for path in changes:
        origin = loaded.origins.get(".".join(path[:2]), "")
        if origin.startswith("EDGEVOICE_"):
            raise NotApplied(
                f"{'.'.join(path)} is set by the variable {origin}, which overrides the settings file",
                remedy=f"Take {origin} out of the environment, or change it there.",
            )
    try:
        content = place.read_bytes()
        after = put(decoded(content), changes)
        # Lines end as they did.
        rewrite(place, (after.replace("\n", "\r\n") if b"\r\n" in content else after).encode())
    except (NotText, EditRefused) as error:
        raise NotApplied(f"{place}: {error}") from error
    except OSError as error:
        raise NotApplied(f"{place} cannot be written: {error.strerror}") from error
    return place
