"""`edgevoice wakeword tune`: reads the log of near misses, proposes thresholds in plain words, and can set them."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from edgevoice.commands.wakeword_apply import Change, apply, changes_for
from edgevoice.errors import EdgevoiceError
from edgevoice.settings.file import Loaded, load
from edgevoice.settings.wakeword import WakewordSettings
from edgevoice.store.folders import state_folder
from edgevoice.wakeword.tuning.intervals import Interval
from edgevoice.wakeword.tuning.near_misses_log import CLIPS_NAME, FILE_NAME, Entry, read_log
from edgevoice.wakeword.tuning.proposal import Evidence, Expected, Proposal, evidence_of, propose, shortage
from edgevoice.wakeword.voices import scale_of
from edgevoice.wakeword.words import WakeWord, wake_words


class NoNearMisses(EdgevoiceError, FileNotFoundError):
    """There is no log of near misses in the folder."""

    code = "no-near-misses"
    remedy = (
        "Let the box listen for some days. To read the service's log: "
        "sudo edgevoice wakeword tune --folder /var/lib/edgevoice"
    )


def advise(config: Path | None, folder: Path | None, *, most_false_wakes: float, applies: bool, as_json: bool) -> int:
    """Print a proposal for every word, or what is missing for one, and write it into the settings if ``applies``.

    Raises ``NoNearMisses``, and ``NotApplied`` where the settings cannot be written.
    """
    loaded = load(config, os.environ)
    settings = loaded.settings.wakeword
    words = wake_words(settings)
    folder = folder or state_folder(os.environ)
    entries = _read(folder)
    judged = [(word, *_judge(entries, word, settings, folder, most_false_wakes)) for word in words]
    changes = [
        change for word, _, proposal in judged if proposal is not None for change in changes_for(loaded, word, proposal)
    ]
    if as_json:
        facts = {word.name: _facts(evidence, proposal) for word, evidence, proposal in judged}
        if applies and changes:
            apply(loaded, {change.path: change.value for change in changes})
            for change in changes:
                facts[_word_of(change, words)].setdefault("applied", {})[change.setting] = change.value
        print(json.dumps(facts))
        return 0
    console = Console(soft_wrap=True, highlight=False)
    for word, evidence, proposal in judged:
        _print(console, settings, word, evidence, proposal, most_false_wakes)
    if (clips := folder / CLIPS_NAME).is_dir() and any(clips.iterdir()):
        console.print(f"Listen to the near misses: {clips}", markup=False)
    for sentence in _applied(loaded, changes) if applies else _offered(changes):
        console.print(sentence, markup=False)
    return 0


def _word_of(change: Change, words: Sequence[WakeWord]) -> str:
    return change.path[2] if len(change.path) > 2 else words[0].name


def _offered(changes: Sequence[Change]) -> list[str]:
    """Return how to have the proposals set; nothing where there is nothing to set."""
    if not changes:
        return []
    return [f"To set {_listed(changes)}: run this again with --apply. Nothing has been changed."]


def _applied(loaded: Loaded, changes: Sequence[Change]) -> list[str]:
    """Write the changes and return what was done."""
    if not changes:
        return ["Nothing to apply: the settings stay as they are."]
    place = apply(loaded, {change.path: change.value for change in changes})
    before = " and ".join(f"{change.setting} was {change.before:g}" for change in changes)
    return [
        f"Set {_listed(changes)} in {place}; {before}.",
        "It takes effect at the next start of the box: sudo systemctl restart edgevoice",
    ]


def _listed(changes: Sequence[Change]) -> str:
    return " and ".join(f"{change.setting} = {change.value:g}" for change in changes)


def _read(folder: Path) -> list[Entry]:
    try:
        return read_log(folder)
    except FileNotFoundError as error:
        raise NoNearMisses(f"there is no {FILE_NAME} in {folder}") from error
    except OSError as error:
        raise NoNearMisses(f"{folder / FILE_NAME} cannot be read: {error.strerror or error}") from error


def _judge(
    entries: Sequence[Entry], word: WakeWord, settings: WakewordSettings, folder: Path, most_false_wakes: float
) -> tuple[Evidence, Proposal | None]:
    scale = scale_of(settings, word, folder)
    evidence = evidence_of(entries, word.name, smoothing_frames=settings.smoothing_frames, models=scale)
    if shortage(evidence):
        return evidence, None
    limits = word.thresholds
    return evidence, propose(evidence, limits.threshold, limits.sure, most_false_wakes=most_false_wakes)


def _print(
    console: Console,
    settings: WakewordSettings,
    word: WakeWord,
    evidence: Evidence,
    proposal: Proposal | None,
    most_false_wakes: float,
) -> None:
    def say(text: str) -> None:
        console.print(text, markup=False)

    say(
        f"{word.name}: {evidence.days:.1f} days of listening. {_times(len(evidence.calls), 'call')} heard, "
        f"{_times(len(evidence.missed), 'call')} heard only when said again, "
        f"{_times(len(evidence.false), 'wake')} without a conversation, "
        f"{_times(len(evidence.others), 'other near miss', 'other near misses')}."
    )
    if evidence.over_speech:
        say(f"While the box itself spoke: {evidence.over_speech}; these have their own threshold and are not counted.")
    if evidence.unknown:
        say(f"The outcome of {_times(evidence.unknown, 'detection')} is unknown; they are not counted.")
    if proposal is None:
        say(f"No proposal: {shortage(evidence)}. Leave wakeword.threshold at {word.thresholds.threshold:g}.\n")
        return
    table = Table("threshold", "false wakes per day", "calls missed", "", box=None, pad_edge=False)
    for each in proposal.table:
        marks = [
            name
            for name, other in (("now", proposal.present), ("proposed", proposal.proposed))
            if other.threshold == each.threshold
        ]
        table.add_row(f"{each.threshold:g}", _rate(each.false_wakes), _percent(each.misses), ", ".join(marks))
    console.print(table)
    for sentence in _conclusion(_setting(settings, word), proposal, most_false_wakes):
        say(sentence)
    say(
        "In brackets: 95 % confidence intervals. The log does not know who spoke: a television that was "
        "answered counts as a call, and a call that was given up as a near miss; scores below "
        f"{proposal.table[0].threshold:g} left no trace.\n"
    )


def _setting(settings: WakewordSettings, word: WakeWord) -> str:
    first = wake_words(settings)[0].name == word.name
    has_own = "threshold" in settings.words.get(word.name, {})
    return "wakeword.threshold" if first and not has_own else f"wakeword.words.{word.name}.threshold"


def _conclusion(setting: str, proposal: Proposal, most_false_wakes: float) -> list[str]:
    proposed, present = proposal.proposed, proposal.present
    sentences: list[str] = []
    if not proposal.keeps_within:
        sentences.append(
            f"No threshold achieves {most_false_wakes:g} false wakes per day; this one comes nearest. "
            "Another wake word may suit the room better."
        )
    if proposed.threshold == present.threshold:
        return [*sentences, f"Proposal: leave {setting} at {present.threshold:g}. {_expect(present)}"]
    now = f"Now, with {present.threshold:g}: {_rate(present.false_wakes)} and {_percent(present.misses)}."
    return [*sentences, f"Proposal: {setting} = {proposed.threshold:g}. {_expect(proposed)} {now}"]


def _expect(expected: Expected) -> str:
    return f"Expect {_rate(expected.false_wakes)} false wakes per day, and {_percent(expected.misses)} of calls missed."


def _times(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def _rate(interval: Interval) -> str:
    return f"{interval.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"


def _percent(interval: Interval) -> str:
    return f"{100 * interval.value:.0f} % ({100 * interval.low:.0f} to {100 * interval.high:.0f})"


def _facts(evidence: Evidence, proposal: Proposal | None) -> dict[str, Any]:
    counts = {
        "days": round(evidence.days, 3),
        "calls": len(evidence.calls),
        "said_again": len(evidence.missed),
        "false_wakes": len(evidence.false),
        "other_near_misses": len(evidence.others),
        "unknown": evidence.unknown,
        "over_speech": evidence.over_speech,
    }
    if proposal is None:
        return {**counts, "proposal": None, "problem": shortage(evidence)}
    return {
        **counts,
        "proposal": proposal.proposed.threshold,
        "keeps_within": proposal.keeps_within,
        "proposed": asdict(proposal.proposed),
        "present": asdict(proposal.present),
        "table": [asdict(each) for each in proposal.table],
    }
