"""Every section of the settings; each setting has a default, a unit and a range. Reads nothing; `file` fills them.

Names end with the unit: ``_s`` seconds, ``_ms`` milliseconds, ``_percent`` percent of full volume, ``_gpio`` the BCM
number of a pin. Ranges and docstrings are data: the error lines and the file that `edgevoice config init` writes are
made from them, so they cannot disagree.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from edgevoice.settings.alarms import AlarmSettings, QuietHoursSettings
from edgevoice.settings.assistant import (
    GradingSettings,
    MemorySettings,
    PersonasSettings,
    ToolsSettings,
    TranscriptSettings,
)
from edgevoice.settings.integrations import (
    ControlSettings,
    HomeSettings,
    MetricsSettings,
    MqttSettings,
    MusicSettings,
)
from edgevoice.settings.mcp import McpSettings
from edgevoice.settings.page import PageSettings
from edgevoice.settings.panel import PanelSettings
from edgevoice.settings.service import ServiceSettings
from edgevoice.settings.sound import AmplifierSettings, EchoSettings, MicrophoneSettings, SpeakerSettings
from edgevoice.settings.wakeword import WakewordSettings


class ConversationSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long the box waits for people and the service, and what it does after a false interruption.

    no_speech_s: How long it listens after the wake word if nobody speaks.
    follow_up_s: How long after an answer you can continue without the wake word; 0 hangs up after one answer.
    turn_s: How long a turn may last; if the service hears no end of it by then, the box hangs up.
    thinking_s: How long the service may take to begin its answer.
    progress_s: How long an answer that has begun may pause in silence before the box gives up on it.
    false_interruption: What happens to an answer that was cut by a sound without words, such as a cough: "resume"
        continues it where it was cut, "stop" does not.
    whisper: What it does if you whisper to it. "soft": its answer is softer than the volume, and whispered if the voice
        performs steering tags. "off": nothing.
    """

    no_speech_s: Annotated[float, Meta(ge=2, le=60)] = 8.0
    follow_up_s: Annotated[float, Meta(ge=0, le=60)] = 6.0
    turn_s: Annotated[float, Meta(ge=10, le=600)] = 90.0
    thinking_s: Annotated[float, Meta(ge=3, le=120)] = 15.0
    progress_s: Annotated[float, Meta(ge=3, le=120)] = 10.0
    false_interruption: Literal["resume", "stop"] = "resume"
    whisper: Literal["soft", "off"] = "soft"


class BudgetSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long sessions may be open, because the service charges for time. The service inside the box is free.

    session_s: The longest conversation, with any service.
    daily_minutes: The minutes that all conversations of a day may take together, by the box's own date; 0 sets no
        limit.
    """

    session_s: Annotated[float, Meta(ge=30, le=5400)] = 600.0
    daily_minutes: Annotated[float, Meta(ge=0, le=1440)] = 0.0


class WatchdogSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What happens when the box itself stalls. If it stalls for much longer, systemd restarts it.

    stall_s: A longer stall is logged, and deadlines that passed during it are extended.
    """

    stall_s: Annotated[float, Meta(ge=0.2, le=10)] = 1.0


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the log contains: never what was said, at any level.

    level: The lowest level that is logged.
    """

    level: Literal["debug", "info", "warning"] = "info"


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All sections; without arguments, all defaults."""

    service: ServiceSettings = field(default_factory=ServiceSettings)
    wakeword: WakewordSettings = field(default_factory=WakewordSettings)
    microphone: MicrophoneSettings = field(default_factory=MicrophoneSettings)
    speaker: SpeakerSettings = field(default_factory=SpeakerSettings)
    echo: EchoSettings = field(default_factory=EchoSettings)
    conversation: ConversationSettings = field(default_factory=ConversationSettings)
    budget: BudgetSettings = field(default_factory=BudgetSettings)
    panel: PanelSettings = field(default_factory=PanelSettings)
    amplifier: AmplifierSettings = field(default_factory=AmplifierSettings)
    alarms: AlarmSettings = field(default_factory=AlarmSettings)
    quiet: QuietHoursSettings = field(default_factory=QuietHoursSettings)
    tools: ToolsSettings = field(default_factory=ToolsSettings)
    mcp: McpSettings = field(default_factory=McpSettings)
    memory: MemorySettings = field(default_factory=MemorySettings)
    transcript: TranscriptSettings = field(default_factory=TranscriptSettings)
    personas: PersonasSettings = field(default_factory=PersonasSettings)
    grading: GradingSettings = field(default_factory=GradingSettings)
    control: ControlSettings = field(default_factory=ControlSettings)
    mqtt: MqttSettings = field(default_factory=MqttSettings)
    home: HomeSettings = field(default_factory=HomeSettings)
    music: MusicSettings = field(default_factory=MusicSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    page: PageSettings = field(default_factory=PageSettings)
    watchdog: WatchdogSettings = field(default_factory=WatchdogSettings)
    log: LogSettings = field(default_factory=LogSettings)
