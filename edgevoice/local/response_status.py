"""How a response can end early, and how ``response.done`` reports it; the names are OpenAI's. No I/O."""

from collections.abc import Mapping
from typing import Any, Literal

Cut = Literal["turn_detected", "client_cancelled", "max_output_tokens", "content_filter", "failed"]

STATUS_DETAILS: Mapping[Cut, tuple[str, dict[str, Any]]] = {
    "turn_detected": ("cancelled", {"type": "cancelled", "reason": "turn_detected"}),
    "client_cancelled": ("cancelled", {"type": "cancelled", "reason": "client_cancelled"}),
    "max_output_tokens": ("incomplete", {"type": "incomplete", "reason": "max_output_tokens"}),
    "content_filter": ("incomplete", {"type": "incomplete", "reason": "content_filter"}),
    "failed": ("failed", {"type": "failed", "error": {"type": "server_error", "code": None}}),
}
"""By reason: the response's ``status`` and its ``status_details``."""
