"""What the box does besides talking: ``[tools]``, ``[memory]``, ``[transcript]``, ``[personas]``, ``[grading]``."""

from typing import Annotated, Any

from msgspec import Meta, Struct, convert

from edgevoice.settings.fields import Folder, NotEmpty, ToolName
from edgevoice.settings.http_tools import HttpToolSettings


class ToolsSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the model may do besides talking.

    enabled: The built-in tools that the model may call. Tools in the folder, and those of the memory, need not be
        named.
    folder: A folder of Python files whose functions marked @tool are tools, too. The files and the folder must belong
        to root, or to the user who runs the box, and be writable by nobody else.
    timeout_s: How long a tool may take before it counts as failed; a tool may have a time of its own.
    output_bytes: The longest answer of a tool that the service receives; a longer one is an error.
    calls_at_once: How many tools may run at a time; further calls wait.
    http: Web services as tools, by name: each with a description and a url, and, as needed, a method, the parameters as
        a JSON schema, headers, a body, the JSON pointer result, timeout_s and requires_approval. {name} stands for an
        argument, ${NAME} for a stored secret. For example {get_forecast = {description = "Get the weather forecast.",
        url = "https://weather.example/now?place={place}", parameters = {properties = {place = {type = "string"}},
        required = ["place"]}}}.
    """

    enabled: Annotated[
        tuple[ToolName, ...], Meta(extra={"must_be": 'a list of the names of tools, such as ["set_timer"]'})
    ] = (
        "get_current_time",
        "set_volume",
        "set_timer",
        "change_timer",
        "pause_timer",
        "resume_timer",
        "list_timers",
        "cancel_timers",
        "set_alarm",
        "set_reminder",
        "list_alarms",
        "cancel_alarms",
        "snooze",
        "why_did_that_fail",
        "end_conversation",
    )
    folder: Folder = "/etc/edgevoice/tools"
    timeout_s: Annotated[float, Meta(ge=1, le=60)] = 10.0
    output_bytes: Annotated[int, Meta(ge=256, le=65536)] = 16_384
    calls_at_once: Annotated[int, Meta(ge=1, le=32)] = 8
    http: dict[str, Any] = {}

    def http_tools(self) -> dict[str, HttpToolSettings]:
        """Return ``http`` as structs, by name.

        Raises ``msgspec.ValidationError`` for an invalid one; see `http_rules`.
        """
        return {name: convert(tool, HttpToolSettings) for name, tool in self.http.items()}


class TranscriptSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is kept of conversations for their owner to read: nothing, unless it is given days.

    keep_days: For how many days what was said, by both sides, is kept in the state folder; 0 keeps nothing. With a
        memory, turns are kept once, for whichever is longer.
    """

    keep_days: Annotated[int, Meta(ge=0, le=3650)] = 0


class MemorySettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the box remembers from one conversation to the next: nothing, unless it is enabled.

    enabled: Whether it keeps what was said and what it was asked to remember, in the state folder. The service is given
        the household's record and the last turns with each session.
    days: For how many days what was said is kept.
    history_tokens: How much of earlier conversations a new one is given, in tokens; four letters count as one.
    """

    enabled: bool = False
    days: Annotated[int, Meta(ge=1, le=3650)] = 90
    history_tokens: Annotated[int, Meta(ge=0, le=20_000)] = 1000


class PersonasSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who answers: personas, each with a role, a model, a voice, a speed and tools of its own. None unless enabled.

    enabled: Whether the box uses personas. Without a choice it answers as [service] says; `edgevoice persona` shows and
        changes them.
    by_voice: Whether people may change persona, voice and speed by speaking: "be a pirate", "talk slower", "as before".
    voices: The voices that they may choose; empty for those that are known of the service.
    """

    enabled: bool = False
    by_voice: bool = True
    voices: Annotated[
        tuple[NotEmpty, ...], Meta(extra={"must_be": 'a list of the names of voices, such as ["Sarah", "Dennis"]'})
    ] = ()


class GradingSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is scored of real conversations, for those who choose a model or a voice. Nothing, unless rate is set.

    rate: The share of conversations that are scored, such as 0.1; only the scores are kept, in the state folder.
    judge_url: The address of a text model that judges these conversations, to which chat/completions is added; empty
        for none. What was said is sent there, so memory.enabled must be true. Its key is never among the settings.
    judge_model: The name of that model.
    judge_criterion: What it judges, in plain words.
    judge_timeout_s: How long a judgement may take; nobody waits for it.
    """

    rate: Annotated[float, Meta(ge=0, le=1)] = 0.0
    judge_url: Annotated[str, Meta(extra={"is_private": True})] = ""
    judge_model: str = ""
    judge_criterion: NotEmpty = "The assistant answers what was asked, correctly and briefly."
    judge_timeout_s: Annotated[float, Meta(ge=1, le=120)] = 20.0
