"""The meaning of a service's error codes: one table, whichever way they arrive."""

import pytest

from edgevoice.core.protocol.complaints import failure_of, fault_of, has_broken, kind_in, kind_of
from edgevoice.errors import KeyRefused, LinkError, NoCredit, ServiceBusy, SessionEnded


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ({"insufficient_quota"}, NoCredit),
        ({"INSUFFICIENT_QUOTA "}, NoCredit),
        ({"402"}, NoCredit),
        ({"invalid_api_key", "invalid_request_error"}, KeyRefused),
        ({"401"}, KeyRefused),
        ({"UNAUTHENTICATED"}, KeyRefused),
        ({"session_expired", "invalid_request_error"}, SessionEnded),
        ({"rate_limit_exceeded"}, ServiceBusy),
        ({"server_error"}, ServiceBusy),
        ({"503"}, ServiceBusy),
        ({"invalid_value"}, None),
        (set[str](), None),
    ],
)
def test_a_code_stands_for_one_error(codes: set[str], kind: type[LinkError] | None) -> None:
    assert kind_of(codes) is kind
    assert fault_of(codes) == (kind.code if kind else "")
    assert failure_of(codes) == (kind.code if kind else "answer-failed")


# As OpenAI, Inworld and Google's gateways write them, and HTTP status codes.
KNOWN = {
    NoCredit: "insufficient_quota insufficient_credits billing_hard_limit_reached billing_not_active payment_required",
    KeyRefused: "invalid_api_key authentication_error account_deactivated permission_denied unauthenticated"
    " unauthorized 403",
    ServiceBusy: "rate_limit_exceeded rate_limit_error too_many_requests resource_exhausted server_error"
    " internal_error internal_server_error server_overloaded overloaded_error overloaded service_unavailable slow_down"
    " 429 500 502 503 504 529",
}


@pytest.mark.parametrize(("code", "kind"), [(code, kind) for kind, codes in KNOWN.items() for code in codes.split()])
def test_every_code_that_a_service_documents_is_known(code: str, kind: type[LinkError]) -> None:
    assert kind_of({code}) is kind


@pytest.mark.parametrize(
    ("codes", "is_broken"),
    [
        ({"server_error"}, True),
        ({"Internal_Error ", "server_error"}, True),
        ({"server_error", "audio_unsupported"}, True),
        ({"server_error", "rate_limit_exceeded"}, False),
        ({"server_error", "insufficient_quota"}, False),
        ({"503"}, False),
        (set[str](), False),
    ],
)
def test_only_a_fault_inside_the_service_breaks_a_session(codes: set[str], *, is_broken: bool) -> None:
    assert has_broken(codes) is is_broken


@pytest.mark.parametrize("code", ["insufficient_quota", "invalid_api_key", "session_expired"])
def test_a_precise_code_overrides_the_general_type(code: str) -> None:
    assert kind_of({code, "server_error"}) is kind_of({code})


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("invalid_request_error.invalid_api_key", KeyRefused),
        ('{"code":"insufficient_quota"}', NoCredit),
        ("the house is overloaded, 401 people are unauthorized", None),
        ("my_server_errors", None),
        ("", None),
    ],
)
def test_a_code_is_found_within_a_text_and_a_sentence_is_not_taken_for_one(
    text: str, kind: type[LinkError] | None
) -> None:
    assert kind_in(text) is kind
