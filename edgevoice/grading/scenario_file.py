"""Reads a file of scenarios, and says in one line what is wrong with it. Pure except `read`."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct, structs

from edgevoice.errors import EdgevoiceError
from edgevoice.grading.scenarios import (
    SCORERS,
    STEPS,
    Ask,
    Interrupt,
    Matches,
    Say,
    Scenario,
    ScenarioHead,
    Scorer,
    Step,
    Suite,
    SuiteHead,
    WordErrorRate,
    name_of,
)
from edgevoice.settings.judge_rules import address_complaint

LARGEST_FILE_BYTES: Final = 1 << 20
MOST_SCENARIOS: Final = 200

SHIPPED: Final = Path(__file__).with_name("shipped.toml")
"""The scenarios that come with the program."""


class ScenariosInvalid(EdgevoiceError, ValueError):
    """A file of scenarios was refused; the text names file, scenario, step or scorer, and what was expected."""

    code = "scenarios-invalid"
    remedy = "Fix the file; docs/grading.md explains it."


def read(path: Path) -> Suite:
    """Return the scenarios of a file; paths in it are relative to its folder. Raises ``ScenariosInvalid``."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
        if len(content) > LARGEST_FILE_BYTES:
            raise ScenariosInvalid(f"{path} is larger than {LARGEST_FILE_BYTES >> 10} KiB; it cannot hold scenarios")
        document = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        remedy = "Name a file of scenarios, or none for those that come with the program."
        raise ScenariosInvalid(f"{path} cannot be read: {error.strerror}", remedy=remedy) from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, ScenariosInvalid):
            raise
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ScenariosInvalid(f"{path.name} is not TOML: {why}") from None
    suite = parse(document, path.name, path.parent)
    for scenario in suite.scenarios:
        for number, step in enumerate(scenario.steps, 1):
            if isinstance(step, Say) and step.wav and not (path.parent / step.wav).is_file():
                raise ScenariosInvalid(f"{path.name}: {scenario.name}, step {number}: there is no file {step.wav}")
    return suite


def parse(document: Mapping[str, Any], name: str, folder: Path = Path()) -> Suite:
    """Return the scenarios that ``document`` describes; ``name`` is what errors call the file in ``folder``."""
    scenarios = document.get("scenario")
    if not isinstance(scenarios, list) or not scenarios:
        raise ScenariosInvalid(f"{name}: it must contain a [[scenario]] for each conversation")
    if len(scenarios) > MOST_SCENARIOS:
        raise ScenariosInvalid(f"{name}: it has {len(scenarios)} scenarios; {MOST_SCENARIOS} is the most")
    bare = {key: value for key, value in document.items() if key != "scenario"}
    head = _converted(bare, SuiteHead, name)
    held = [_scenario(each, f"{name}: scenario {number}") for number, each in enumerate(scenarios, 1)]
    suite = Suite(**structs.asdict(head), scenarios=tuple(held), folder=folder)
    if complaint := next(_disagreements(suite), ""):
        raise ScenariosInvalid(f"{name}: {complaint}")
    return suite


def _scenario(table: object, where: str) -> Scenario:
    if not isinstance(table, dict):
        raise ScenariosInvalid(f"{where} must be a table, written [[scenario]]")
    bare = {key: value for key, value in table.items() if key not in {"steps", "scorers"}}
    head = _converted(bare, ScenarioHead, where)
    where = f"{where} ({head.name})"
    steps = [_step(each, f"{where}, step {number}") for number, each in _numbered(table, "steps", where)]
    scorers = [_scorer(each, f"{where}, scorer {number}") for number, each in _numbered(table, "scorers", where)]
    scenario = Scenario(**structs.asdict(head), steps=tuple(steps), scorers=tuple(scorers))
    _check(scenario, where)
    return scenario


def _numbered(table: Mapping[str, Any], key: str, where: str) -> list[tuple[int, object]]:
    entries = table.get(key)
    if not isinstance(entries, list) or not entries:
        raise ScenariosInvalid(f"{where} needs {key}, a list of tables")
    return [*enumerate(entries, 1)]


def _step(table: object, where: str) -> Step:
    verbs = [verb for verb in STEPS if verb in table] if isinstance(table, dict) else []
    if len(verbs) != 1:
        raise ScenariosInvalid(f"{where} must have exactly one of {', '.join(STEPS)}")
    return _converted(table, STEPS[verbs[0]], where)


def _scorer(table: object, where: str) -> Scorer:
    name = table.get("scorer") if isinstance(table, dict) else None
    kind = SCORERS.get(str(name))
    if kind is None:
        near = difflib.get_close_matches(str(name), SCORERS, n=1)
        advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(SCORERS)}"
        raise ScenariosInvalid(f"{where}: there is no scorer {str(name)[:40]!r}; {advice}")
    scorer = _converted(table, kind, f"{where} ({name})")
    if isinstance(scorer, Matches):
        try:
            re.compile(scorer.pattern)
        except re.error as error:
            raise ScenariosInvalid(f"{where} ({name}): pattern is not a regular expression: {error}") from None
    return scorer


_S = TypeVar("_S", bound=Struct)


def _converted(table: object, kind: type[_S], where: str) -> _S:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        place = path.strip("`").lstrip(".")
        raise ScenariosInvalid(f"{where}: {place + ': ' if place else ''}{what[:1].lower()}{what[1:]}") from None


# --- what must agree -------------------------------------------------------------------------------------------------


def _check(scenario: Scenario, where: str) -> None:
    steps = scenario.steps
    said = [step for step in steps if isinstance(step, Say | Ask)]
    if not said or isinstance(steps[0], Interrupt) or (isinstance(steps[0], Say) and steps[0].over_answer_s):
        raise ScenariosInvalid(f"{where} must begin with something that the person says, over no answer")
    for number, step in enumerate(steps, 1):
        if isinstance(step, Say) and not step.say.strip() and not step.wav:
            raise ScenariosInvalid(f"{where}, step {number}: say is empty, and there is no wav")
        if isinstance(step, Ask) and scenario.via == "card":
            raise ScenariosInvalid(
                f'{where}, step {number}: on the card a person must speak; say it, or via = "library"'
            )
    for scorer in scenario.scorers:
        turn = getattr(scorer, "turn", None)
        if turn is not None and turn > len(said):
            are = "1 thing is" if len(said) == 1 else f"{len(said)} things are"
            raise ScenariosInvalid(f"{where}: {name_of(scorer)} has turn = {turn}, but {are} said")
        if isinstance(scorer, WordErrorRate):
            _check_word_errors(scorer, said, where)


def _check_word_errors(scorer: WordErrorRate, said: Sequence[Say | Ask], where: str) -> None:
    if scorer.spellings:
        return
    spoken = [step for step in (said if scorer.turn is None else [said[scorer.turn - 1]]) if isinstance(step, Say)]
    if not spoken or not all(step.say.strip() for step in spoken):
        raise ScenariosInvalid(f"{where}: word_error_rate needs the words that are said: in say, or in spellings")


def _disagreements(suite: Suite) -> Iterator[str]:
    """Yield what does not fit together in a file, each as one line."""
    scorers = [scorer for scenario in suite.scenarios for scorer in scenario.scorers]
    for name in (*suite.gates, *suite.thresholds):
        if name not in SCORERS:
            near = difflib.get_close_matches(name, SCORERS, n=1)
            yield f"gates and thresholds name scorers, and {name[:40]!r} is not one" + (
                f"; did you mean {near[0]}?" if near else ""
            )
        elif not any(name_of(scorer) == name for scorer in scorers):
            yield f"{name} is a gate or has a threshold, but no scenario is scored by it"
        else:
            for limit in ("within_s", "within_ms", "at_most"):
                if any(name_of(each) == name and getattr(each, limit, 1) is None for each in scorers):
                    yield f"{name} is a gate or has a threshold, so each of its scorers needs {limit}"
    names = [scenario.name for scenario in suite.scenarios]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        yield f"two scenarios have the name {twice!r}"
    if suite.uses("judge") and suite.judge is None:
        yield "the scorer judge needs a model: add [judge] with url and model"
    if suite.judge is not None and (complaint := address_complaint(suite.judge.url)):
        yield f"judge.url {complaint}"
    if suite.tool and any(scenario.via == "card" for scenario in suite.scenarios if scenario.tools is None):
        yield 'a [[tool]] exists only through the library: name the tools of each scenario with via = "card"'
    simulated = {tool.name for tool in suite.tool}
    for scenario in suite.scenarios:
        if scenario.via == "card" and (strange := sorted(simulated & {*(scenario.tools or ())})):
            yield f"{scenario.name}: {strange[0]} is a [[tool]], which exists only through the library, not on the card"
