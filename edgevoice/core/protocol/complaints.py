"""Complaints: what a service's error codes mean. One table for every way in which a service reports them."""

import re
from collections.abc import Collection

from edgevoice.errors import AnswerFailed, KeyRefused, LinkError, NoCredit, ServiceBusy, SessionEnded

# The names that OpenAI, Inworld and the gateways in front of them use. The first kind that matches wins: causes that
# only a person can remove come first, because a service may add a general type ("server_error") to a precise code.
_CODES: dict[type[LinkError], frozenset[str]] = {
    NoCredit: frozenset(
        {
            "insufficient_quota",
            "insufficient_credits",
            "billing_hard_limit_reached",
            "billing_not_active",
            "payment_required",
            "402",
        }
    ),
    KeyRefused: frozenset(
        {
            "invalid_api_key",
            "authentication_error",
            "account_deactivated",
            "permission_denied",
            "unauthenticated",
            "unauthorized",
            "401",
            "403",
        }
    ),
    SessionEnded: frozenset({"session_expired"}),
    ServiceBusy: frozenset(
        {
            "rate_limit_exceeded",
            "rate_limit_error",
            "too_many_requests",
            "resource_exhausted",
            "server_error",
            "internal_error",
            "internal_server_error",
            "server_overloaded",
            "overloaded_error",
            "overloaded",
            "service_unavailable",
            "slow_down",
            "429",
            "500",
            "502",
            "503",
            "504",
            "529",
        }
    ),
}

ENDS_SESSION: frozenset[type[LinkError]] = frozenset({NoCredit, KeyRefused, SessionEnded})
"""Errors that end an open session; after any other the user can ask again in the same session."""

_BROKEN: frozenset[str] = frozenset({"server_error", "internal_error", "internal_server_error", "500"})
"""Faults inside the service. One that is only busy would be as busy in another session."""

_TOKEN = re.compile(r"[a-z]+(?:_[a-z]+)+")
"""A code within a sentence: only names with an underscore, because "overloaded" may occur in any sentence."""


def kind_of(codes: Collection[str]) -> type[LinkError] | None:
    """Return the error that these codes and types stand for, ignoring case; ``None`` for unknown codes."""
    said = {code.strip().casefold() for code in codes}
    return next((kind for kind, known in _CODES.items() if not known.isdisjoint(said)), None)


def has_broken(codes: Collection[str]) -> bool:
    """Return whether these codes say that something has failed inside the service, and nothing more precise."""
    said = {code.strip().casefold() for code in codes}
    known = said & frozenset().union(*_CODES.values())
    return bool(known) and known <= _BROKEN


def kind_in(text: str) -> type[LinkError] | None:
    """Return the error that a code somewhere in a text stands for; ``None`` if the text holds no known code."""
    return kind_of(_TOKEN.findall(text.casefold()))


def fault_of(codes: Collection[str]) -> str:
    """Return the stable code of the error that these codes stand for, empty for unknown codes."""
    kind = kind_of(codes)
    return kind.code if kind is not None else ""


def failure_of(codes: Collection[str]) -> str:
    """Return the stable code of the error for an answer that failed, whether or not the service says why."""
    return fault_of(codes) or AnswerFailed.code
