"""Holds all scenarios of a file against one service, one after the other, and grades them."""

import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import structs

from edgevoice.agent.voice import RealtimeVoice
from edgevoice.errors import LinkError
from edgevoice.grading.held import HeldConversation
from edgevoice.grading.judge import judge
from edgevoice.grading.report import MEASURED, GradedConversation, GradedScenario, GradingReport
from edgevoice.grading.scenario_file import ScenariosInvalid
from edgevoice.grading.scenarios import AskJudge, Cost, CutToSilence, Say, Scenario, Scorer, Suite, TimeToSound, name_of
from edgevoice.grading.scorers import Score, score
from edgevoice.grading.verdict import Grade, averages, judged
from edgevoice.grading.words import require_word_errors
from edgevoice.host.credentials import Key, answers_itself, checked_key
from edgevoice.local.process import LocalServiceProcess
from edgevoice.realtime.endpoint import Endpoint, local, remote
from edgevoice.settings.instructions import INSTRUCTIONS
from edgevoice.settings.service import ServiceSettings
from edgevoice.testbed.grading import card, library
from edgevoice.testbed.grading.speech import Samples, rehearse
from edgevoice.testbed.grading.tools import functions

Via = Literal["library", "card"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedService:
    """The service that is graded, as the settings describe it; ``key`` opens its sessions. ``label`` names the run."""

    settings: ServiceSettings
    key: Key | None = None
    label: str = ""

    @property
    def is_local(self) -> bool:
        """Whether it is the service inside the box."""
        return answers_itself(self.settings, self.key)

    def changed(self, changes: Mapping[str, Any], where: str) -> "GradedService":
        """Return it with other settings; raises ``ScenariosInvalid``, which begins with ``where``."""
        document = {**structs.asdict(self.settings), **changes}
        try:
            return GradedService(settings=msgspec.convert(document, ServiceSettings), key=self.key, label=self.label)
        except msgspec.ValidationError as error:
            raise ScenariosInvalid(f"{where}: {error}") from None


def service_of(voice: RealtimeVoice) -> GradedService:
    """Return the service of a program's voice, completed from the environment; ``SettingsInvalid`` as that raises."""
    found = voice.resolved()
    key = checked_key(found.api_key, source="api_key of RealtimeVoice") if found.api_key else None
    return GradedService(settings=found.service(INSTRUCTIONS), key=key, label=found.model)


async def grade(
    suite: Suite,
    service: GradedService,
    *,
    via: Via | None = None,
    repeats: int = 1,
    judge_key: str = "",
    tell: Callable[[str], None] = lambda _line: None,
) -> GradingReport:
    """Hold every scenario ``repeats`` times and return the report; ``tell`` gets a line before each conversation.

    ``via`` overrides how the scenarios say that they are held. A conversation that fails scores zero. Raises
    ``ScenariosInvalid``, and ``LinkError`` if the service refuses every session: trying again would not help.
    """
    suite = _via(suite, via)
    if suite.uses("word_error_rate"):
        require_word_errors()
    for scenario in suite.scenarios:
        _tools_of(scenario, suite)
    service = service.changed(suite.service, "service")
    said = await rehearse(suite)
    graded = []
    async with _reached(service) as dial:
        for scenario in suite.scenarios:
            conversations = []
            for number in range(1, repeats + 1):
                tell(f"{scenario.name}{f', {number} of {repeats}' if repeats > 1 else ''}")
                held = await _held(scenario, suite, said, service.settings, dial)
                scores = [await _score(scorer, held, suite, judge_key) for scorer in scenario.scorers]
                conversations.append(GradedConversation(held=held, scores=tuple(scores)))
            graded.append(GradedScenario(name=scenario.name, via=scenario.via, conversations=tuple(conversations)))
    return _report(suite, service, tuple(graded))


def _via(suite: Suite, via: Via | None) -> Suite:
    if via is None:
        return suite
    if via == "card" and (unfit := [each.name for each in suite.scenarios if not _can_be_spoken(each, suite)]):
        raise ScenariosInvalid(
            f"{', '.join(unfit)}: what is written, and a [[tool]], exist only through the library",
            remedy="Leave --via out.",
        )
    return structs.replace(suite, scenarios=tuple(structs.replace(each, via=via) for each in suite.scenarios))


def _can_be_spoken(scenario: Scenario, suite: Suite) -> bool:
    simulated = {tool.name for tool in suite.tool}
    uses_simulated = bool(simulated) if scenario.tools is None else bool(simulated & set(scenario.tools))
    return not uses_simulated and not any(hasattr(step, "ask") for step in scenario.steps)


def _tools_of(scenario: Scenario, suite: Suite) -> list[Callable[..., Any]]:
    return functions(scenario, suite.tool if scenario.via == "library" else ())


@asynccontextmanager
async def _reached(service: GradedService) -> AsyncIterator[Callable[[], Endpoint]]:
    if not service.is_local:
        key = service.key.reveal() if service.key is not None else ""
        yield lambda: remote(service.settings, key)
        return
    async with LocalServiceProcess() as process:
        await process.ensure()
        yield lambda: local(process.socket_path, process.prepare)


async def _held(
    scenario: Scenario,
    suite: Suite,
    said: Mapping[Say, Samples],
    service: ServiceSettings,
    dial: Callable[[], Endpoint],
) -> HeldConversation:
    try:
        if scenario.via == "library":
            return await library.hold(scenario, said, service, dial, _tools_of(scenario, suite))
        # What the card and the service record of it holds what was said, and is gone with the folder.
        with tempfile.TemporaryDirectory(prefix="edgevoice-eval-") as folder:
            return await card.hold(scenario, said, service, dial, Path(folder))
    except LinkError as error:
        if not error.is_retriable:
            raise
        return HeldConversation(problem=error.line())


async def _score(scorer: Scorer, held: HeldConversation, suite: Suite, judge_key: str) -> Score:
    if isinstance(scorer, AskJudge) and suite.judge is not None and not held.problem:
        return await judge(suite.judge, judge_key, scorer.criterion, held)
    return score(scorer, held, suite.prices)


def _report(suite: Suite, service: GradedService, graded: tuple[GradedScenario, ...]) -> GradingReport:
    conversations = [each for scenario in graded for each in scenario.conversations]
    scorers = [scorer for scenario in suite.scenarios for scorer in scenario.scorers]
    found = averages(
        (each for conversation in conversations for each in conversation.scores),
        only_measure={name_of(scorer) for scorer in scorers if _only_measures(scorer)},
    )
    judgement = judged(found, suite.gates, suite.thresholds)
    not_held = sum(bool(each.held.problem) for each in conversations)
    settings = service.settings
    return GradingReport(
        label=service.label,
        service="the service inside the box" if service.is_local else remote(settings, "").host,
        # The service inside the box has one model and one voice, whatever the settings name.
        model="" if service.is_local else settings.model,
        voice="" if service.is_local else settings.voice,
        verdict=Grade.FAILED if not_held else judgement.verdict,
        missed_gates=judgement.missed_gates,
        missed_thresholds=judgement.missed_thresholds,
        not_held=not_held,
        averages=tuple(found.values()),
        scenarios=graded,
        measured={via: MEASURED[via] for via in dict.fromkeys(scenario.via for scenario in graded)},
    )


def _only_measures(scorer: Scorer) -> bool:
    match scorer:
        case TimeToSound(within_s=limit) | CutToSilence(within_ms=limit) | Cost(at_most=limit):
            return limit is None
        case _:
            return False
