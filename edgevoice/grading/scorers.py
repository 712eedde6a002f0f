"""Scorers: each a pure function of a conversation that was held. What a model judges is scored elsewhere (`judge`)."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from msgspec import Struct

from edgevoice.grading.held import HeldConversation, RecordedCall
from edgevoice.grading.scenarios import (
    AskJudge,
    CalledTool,
    Cost,
    CutToSilence,
    DidNotCall,
    HeardExact,
    Includes,
    Matches,
    Prices,
    Scorer,
    Similarity,
    TimeToSound,
    ToolOrder,
    WordErrorRate,
    name_of,
)
from edgevoice.grading.words import WordErrors, dice, plain, word_errors

_TOKEN_KINDS_OF_TOTAL = ("input_tokens", "output_tokens")


class Score(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one scorer found.

    ``value``: 0 to 1; ``None`` if it only measures, or could not tell. ``figure``: what it measured, in ``unit``.
    ``reason``: why the value is not 1, in a few words.
    """

    scorer: str
    value: float | None = None
    figure: float | None = None
    unit: str = ""
    reason: str = ""


def score(scorer: Scorer, held: HeldConversation, prices: Prices | None = None) -> Score:
    """Return the score; 0 for a conversation that was broken off. A judge's is ``None`` here: see `judge`."""
    if held.problem:
        return Score(scorer=name_of(scorer), value=0.0, reason=f"the conversation failed: {held.problem}")
    match scorer:
        case TimeToSound(within_s=within_s):
            return _time_to_sound(within_s, held)
        case CutToSilence(within_ms=within_ms):
            return _cut_to_silence(within_ms, held)
        case WordErrorRate():
            return _word_error_rate(scorer, held)
        case HeardExact(within_ms=within_ms):
            return _heard_exact(within_ms, held)
        case CalledTool():
            return _called_tool(scorer, held)
        case DidNotCall(tool=tool):
            called = [call.tool for call in held.calls if tool in {"", call.tool}]
            return _yes_or_no("did_not_call", is_so=not called, reason=f"it called {', '.join(called)}")
        case ToolOrder(tools=tools):
            called = [call.tool for call in held.calls]
            was = ", ".join(called) or "nothing"
            return _yes_or_no("tool_order", is_so=_is_in_order(tools, called), reason=f"it called {was}")
        case Includes(texts=texts, turn=turn):
            answers = plain(_answers(held, turn))
            missing = [text for text in texts if plain(text) not in answers]
            reason = f"missing: {', '.join(missing)}" if missing else ""
            return Score(scorer="includes", value=1 - len(missing) / len(texts), reason=reason)
        case Matches(pattern=pattern, turn=turn):
            is_so = re.search(pattern, _answers(held, turn), re.IGNORECASE) is not None
            return _yes_or_no("matches", is_so=is_so, reason=f"{pattern} is not found")
        case Similarity(text=text, turn=turn):
            return Score(scorer="similarity", value=dice(text, _answers(held, turn)))
        case Cost(at_most=at_most):
            return _cost(at_most, held, prices)
        case AskJudge():
            return Score(scorer="judge", reason="not judged")
        case _:
            assert_never(scorer)


def within(figure: float, limit: float | None) -> float | None:
    """Return 1 up to the limit, and beyond it the limit's share of the figure; ``None`` without a limit."""
    if limit is None:
        return None
    return 1.0 if figure <= limit else limit / figure


def _answers(held: HeldConversation, turn: int | None) -> str:
    chosen = held.exchanges if turn is None else held.exchanges[turn - 1 : turn]
    return " ".join(exchange.answer for exchange in chosen if exchange.answer)


def _yes_or_no(name: str, *, is_so: bool, reason: str) -> Score:
    return Score(scorer=name, value=float(is_so), reason="" if is_so else reason)


def _over(figure: float, limit: float | None, unit: str) -> str:
    return f"above {limit:g} {unit}" if limit is not None and figure > limit else ""


# --- times -----------------------------------------------------------------------------------------------------------


def _time_to_sound(within_s: float | None, held: HeldConversation) -> Score:
    # An answer that was not due is not waited for: a person who only pressed the button said nothing.
    waits = [exchange.wait_s for exchange in held.exchanges if exchange.is_spoken]
    heard = [wait_s for wait_s in waits if wait_s is not None]
    if not heard or len(heard) < len(waits):
        return Score(scorer="time_to_sound", value=0.0, unit="s", reason=f"{len(waits) - len(heard)} without an answer")
    longest_s = round(max(heard), 3)
    return Score(
        scorer="time_to_sound",
        value=within(longest_s, within_s),
        figure=longest_s,
        unit="s",
        reason=_over(longest_s, within_s, "s"),
    )


def _cut_to_silence(within_ms: float | None, held: HeldConversation) -> Score:
    cuts = [cut for exchange in held.exchanges for cut in exchange.cuts]
    if not cuts:
        return Score(scorer="cut_to_silence", value=0.0, unit="ms", reason="no answer was cut")
    longest_ms = round(max(cut.cut_ms for cut in cuts), 1)
    return Score(
        scorer="cut_to_silence",
        value=within(longest_ms, within_ms),
        figure=longest_ms,
        unit="ms",
        reason=_over(longest_ms, within_ms, "ms"),
    )


def _heard_exact(within_ms: float, held: HeldConversation) -> Score:
    cuts = [cut for exchange in held.exchanges for cut in exchange.cuts]
    if not cuts:
        return Score(scorer="heard_exact", value=0.0, unit="ms", reason="no answer was cut")
    errors_ms = [cut.reported_ms - cut.sounded_ms for cut in cuts if cut.sounded_ms is not None]
    _, worst_ms = max(((abs(error), round(error, 2)) for error in errors_ms), default=(0.0, None))
    if len(errors_ms) < len(cuts):
        reason = "what sounded of the answer was not found"
    elif worst_ms is not None and abs(worst_ms) > within_ms:
        reason = f"reported {abs(worst_ms):g} ms too {'much' if worst_ms > 0 else 'little'}"
    else:
        return Score(scorer="heard_exact", value=1.0, figure=worst_ms, unit="ms")
    if held.xruns:
        reason = f"not known: the card lost sound {held.xruns} times, because this machine is too busy"
    return Score(scorer="heard_exact", value=None if held.xruns else 0.0, figure=worst_ms, unit="ms", reason=reason)


# --- words -----------------------------------------------------------------------------------------------------------


def _word_error_rate(scorer: WordErrorRate, held: HeldConversation) -> Score:
    if scorer.spellings:
        turn = scorer.turn or 1
        pairs = [(scorer.spellings, exchange.heard) for exchange in held.exchanges[turn - 1 : turn]]
    else:
        chosen = held.exchanges if scorer.turn is None else held.exchanges[scorer.turn - 1 : scorer.turn]
        pairs = [((exchange.said,), exchange.heard) for exchange in chosen if exchange.is_spoken]
    total = sum((word_errors(said, heard) for said, heard in pairs), WordErrors(0, 0))
    if not total.words:
        return Score(scorer="word_error_rate", value=0.0, reason="nothing was said")
    reason = f"{total.errors} of {total.words} words" if total.errors else ""
    return Score(scorer="word_error_rate", value=max(0.0, 1 - total.rate), figure=round(total.rate, 4), reason=reason)


# --- tools -----------------------------------------------------------------------------------------------------------


def _called_tool(scorer: CalledTool, held: HeldConversation) -> Score:
    fitting = [call for call in held.calls if call.tool == scorer.tool and contains(_arguments(call), scorer.arguments)]
    others = [call.tool for call in held.calls]
    if scorer.times is None and fitting:
        return Score(scorer="called_tool", value=1.0)
    if scorer.times is not None and fitting:
        is_so = len(fitting) == scorer.times
        return _yes_or_no("called_tool", is_so=is_so, reason=f"{scorer.tool} was called {len(fitting)} times")
    if scorer.tool in others:
        reason = f"{scorer.tool} was called with other arguments"
    else:
        reason = f"{scorer.tool} was not called" + (f", but {', '.join(others)}" if others else "")
    return Score(scorer="called_tool", value=0.0, reason=reason)


def _arguments(call: RecordedCall) -> object:
    try:
        return json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        return None


def contains(got: object, wanted: object) -> bool:
    """Return whether ``got`` is ``wanted``; an object may have more fields, and texts may differ in case."""
    if isinstance(wanted, Mapping):
        return isinstance(got, Mapping) and all(key in got and contains(got[key], wanted[key]) for key in wanted)
    if isinstance(wanted, str) and isinstance(got, str):
        return got.strip().casefold() == wanted.strip().casefold()
    # In JSON true is not 1, in Python it is.
    return isinstance(got, bool) is isinstance(wanted, bool) and got == wanted


def _is_in_order(wanted: Sequence[str], called: Sequence[str]) -> bool:
    left = iter(called)
    return all(any(name == tool for name in left) for tool in wanted)


# --- cost ------------------------------------------------------------------------------------------------------------


def _cost(at_most: float | None, held: HeldConversation, prices: Prices | None) -> Score:
    if not held.tokens:
        value = None if at_most is None else 0.0
        return Score(scorer="cost", value=value, reason="the service reported no usage")
    if prices is None:
        figure, unit = float(total_tokens(held.tokens)), "tokens"
    else:
        kinds: dict[str, Any] = {kind: held.tokens.get(kind, 0) for kind in prices.per_million}
        figure = sum(count * prices.per_million[kind] for kind, count in kinds.items()) / 1e6
        unit = prices.currency
        if not any(kind in held.tokens for kind in kinds):
            there = ", ".join(sorted(held.tokens))
            return Score(scorer="cost", value=0.0, reason=f"none of the kinds in [prices] was reported, only {there}")
    figure = round(figure, 6)
    return Score(
        scorer="cost", value=within(figure, at_most), figure=figure, unit=unit, reason=_over(figure, at_most, unit)
    )


def total_tokens(tokens: Mapping[str, int]) -> int:
    """Return the number of tokens in a service's counts."""
    if "total_tokens" in tokens:
        return tokens["total_tokens"]
    return sum(tokens.get(kind, 0) for kind in _TOKEN_KINDS_OF_TOTAL)
