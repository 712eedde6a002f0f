"""Every setting: its default, its unit, its range, and what it does. Reads nothing; `file` fills the structs.

Names end with the unit: ``_s`` seconds, ``_ms`` milliseconds, ``_percent`` percent of full volume, ``_gpio`` the BCM
number of a pin. Ranges and docstrings are data: the error lines and the file that `edgevoice config init` writes are
made from them, so they cannot disagree.
"""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct, convert, field

from edgevoice.settings.instructions import INSTRUCTIONS, STEERING

ToolName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""The name of a tool as the Realtime protocol takes it. Which tools there are is known only where they come from."""

NotEmpty = Annotated[str, Meta(min_length=1)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Gpio = Annotated[int, Meta(ge=0, le=27)]
"""The BCM number of a pin on the 40-pin header."""

# ``is_private``: may contain a key by mistake, so no error repeats the value. ``must_be``: what an error asks for.
Address = Annotated[
    str,
    Meta(extra={"is_private": True, "must_be": 'empty, "local", or an address that begins with ws:// or wss://'}),
]
KeyFile = Annotated[
    str,
    Meta(
        pattern=r"^(~?/[^\x00-\x1f\x7f-\x9f]*)?$",
        extra={"is_private": True, "must_be": "empty or an absolute path, such as /etc/edgevoice/api_key"},
    ),
]
Language = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        extra={"must_be": 'a language code, such as "en" or "de-DE"'},
    ),
]


class ServiceSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who answers, and how: the Realtime service at the other end of the WebSocket.

    url: The service's address. Empty uses Inworld if there is a key, else the service inside the box; "local" always
        uses the service inside the box.
    dialect: The wire format. "auto" depends on the address: inworld for Inworld and for the service inside the box,
        openai for any other.
    auth: How the key is sent. "auto" uses basic for the inworld dialect and bearer for openai.
    key_file: A file that contains only the key, readable only by its owner (chmod 600). The key itself is never among
        the settings. Not for an installed box, whose service cannot see home folders: there `sudo scripts/setup
        --key-file FILE` stores the key. EDGEVOICE_API_KEY and such a stored key override this file.
    model: The language model that answers.
    voice: The voice that speaks.
    tts_model: The model that turns text into speech.
    stt_model: The model that transcribes what the user says.
    language: The language in which people speak to the box.
    speed: How fast the voice speaks; 1 is its own pace.
    instructions: Instructions for the model: its role and its manners.
    steering: "auto" lets the model colour its words with directions such as [cheerful] if the tts_model performs them,
        as inworld-tts-2 does; "off" never does.
    temperature: How freely the model words its answers; only Inworld has this field.
    max_output_tokens: The longest answer, in the model's tokens; a longer one is cut off.
    turn_detection: How the end of a turn is detected: semantic_vad by what was said, server_vad by silence alone.
    eagerness: How soon semantic_vad considers a turn finished; low lets people pause and think.
    vad_threshold: How sure server_vad must be that it hears speech; higher for noisy rooms.
    vad_silence_ms: The silence that ends a turn under server_vad.
    vad_prefix_ms: How much audio server_vad keeps from before the detected speech.
    noise_reduction: The service's noise filter: far_field for a box across the room, near_field for a headset.
    provider_data: Further fields of the service (providerData at Inworld), sent unchanged; for example {stt =
        {voice_profile = true}}.
    connect_s: How long connecting may take.
    pong_s: How long the service may leave a ping unanswered before the connection counts as lost.
    """

    url: Address = ""
    dialect: Literal["auto", "inworld", "openai"] = "auto"
    auth: Annotated[Literal["auto", "basic", "bearer"], Meta(extra={"is_private": True})] = "auto"
    key_file: KeyFile = ""
    model: NotEmpty = "openai/gpt-4.1-mini"
    voice: NotEmpty = "Sarah"
    tts_model: NotEmpty = "inworld-tts-2"
    stt_model: NotEmpty = "inworld/inworld-stt-1"
    language: Language = "en"
    speed: Annotated[float, Meta(ge=0.5, le=1.5)] = 1.0
    instructions: str = INSTRUCTIONS
    steering: Literal["auto", "off"] = "auto"
    temperature: Annotated[Annotated[float, Meta(ge=0, le=2)] | None, Meta(extra={"example": 0.7})] = None
    max_output_tokens: Annotated[Annotated[int, Meta(ge=1, le=4096)] | None, Meta(extra={"example": 1024})] = None
    turn_detection: Literal["semantic_vad", "server_vad"] = "semantic_vad"
    eagerness: Literal["low", "medium", "high", "auto"] = "low"
    vad_threshold: Annotated[float, Meta(ge=0, le=1)] = 0.5
    vad_silence_ms: Annotated[int, Meta(ge=100, le=5000)] = 500
    vad_prefix_ms: Annotated[int, Meta(ge=0, le=2000)] = 300
    noise_reduction: Literal["far_field", "near_field", "off"] = "far_field"
    provider_data: dict[str, Any] = {}
    connect_s: Annotated[float, Meta(ge=1, le=60)] = 12.0
    pong_s: Annotated[float, Meta(ge=1, le=60)] = 10.0

    @property
    def spoken_dialect(self) -> Literal["inworld", "openai"]:
        """Return the wire format; for "auto", the host in ``url`` decides."""
        if self.dialect != "auto":
            return self.dialect
        if self.url in {"", "local"}:
            return "inworld"
        host = urlsplit(self.url).hostname or ""
        return "inworld" if f".{host}".endswith(".inworld.ai") else "openai"

    @property
    def may_answer_tools(self) -> bool:
        """Whether the service may answer a tool's output unasked: Inworld does, also under another host name."""
        host = urlsplit(self.url).hostname or ""
        return self.spoken_dialect == "openai" and not host.endswith((".openai.com", ".azure.com"))

    @property
    def spoken_instructions(self) -> str:
        """Return the model's instructions, including how to steer the voice if the voice supports it."""
        # The other models read the tags aloud.
        is_steered = self.spoken_dialect == "inworld" and self.tts_model == "inworld-tts-2"
        if self.steering == "off" or not is_steered:
            return self.instructions
        return f"{self.instructions}\n\n{STEERING}".lstrip()

    @property
    def spoken_auth(self) -> Literal["basic", "bearer"]:
        """Return how to send the key; for "auto", the dialect decides."""
        if self.auth != "auto":
            return self.auth
        return "basic" if self.spoken_dialect == "inworld" else "bearer"


Score = Annotated[float, Meta(ge=0.05, le=0.99, extra={"must_be": "a number between 0.05 and 0.99"})]
SureScore = Annotated[float, Meta(ge=0.05, le=1, extra={"must_be": "a number between 0.05 and 1"})]


WakewordEngine = Literal["streaming", "openwakeword", "microwakeword"]


class WordSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of one wake word; what is left out is as for all words, or as in ``[service]``."""

    model: Annotated[NotEmpty, Meta(extra={"must_be": "the name of a word or the path of a model"})] | None = None
    threshold: Score | None = None
    sure_threshold: SureScore | None = None
    voice: Annotated[NotEmpty, Meta(extra={"must_be": "a text that is not empty"})] | None = None
    instructions: Annotated[str, Meta(extra={"must_be": "a text"})] | None = None


class WakewordSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The wake word, recognised inside the box. Scores range from 0 to 1.

    model: The name of a word that is present, or the path of a model: an .onnx file, or with the engine microwakeword a
        .json file with its .tflite file beside it.
    threshold: The score at which the box wakes: how sure it must be, twice in a row, 80 ms apart.
    sure_threshold: The score at which it wakes at once; at least the threshold.
    speaking_threshold: The lowest score for a detection while the box itself speaks: it may say the word.
    refractory_s: How long after a detection further detections are ignored.
    words: Further wake words by name, and settings of single words, including the first: model, threshold,
        sure_threshold, and the voice and instructions of the session that the word opens; for example {alexa =
        {threshold = 0.6}, computer = {model = "~/computer.onnx", voice = "Dennis"}}.
    engine: What computes the scores. streaming and openwakeword run openWakeWord's models and give the same scores, the
        second at eight times the CPU cost. microwakeword runs microWakeWord's models, which may be used commercially.
    gate: "energy" computes no scores while nothing is louder than the room's background; "off" always computes them.
    witness: "auto" asks a second model as well, microWakeWord's for the same word, whenever the engine streaming gives
        a score of 0.01 or more, and combines both scores: fewer calls are missed in noise. "off" uses the engine alone.
    verifier: "auto" lets the box wake more easily for voices that `edgevoice wakeword enrol` has learned; each has a
        small model of its own, a verifier. "off" ignores them. They work with the engine streaming.
    verifier_threshold: How sure a verifier must be that it knows the voice; higher is stricter.
    smoothing_frames: How many scores, one every 80 ms, are averaged: 1 uses each score unchanged, because a detection
        needs two in a row anyway; 3 and more lose words in noise.
    near_miss_share: The share of the threshold from which a score without a detection is logged as a near miss, for
        `edgevoice wakeword tune`.
    keep_near_misses: How many recordings of near misses are kept, 2 s each; the oldest are deleted. With 0 no sound is
        ever kept.
    """

    model: NotEmpty = "hey_jarvis"
    threshold: Annotated[float, Meta(ge=0.05, le=0.99)] = 0.5
    sure_threshold: Annotated[float, Meta(ge=0.05, le=1)] = 0.8
    speaking_threshold: Annotated[float, Meta(ge=0.05, le=1)] = 0.6
    refractory_s: Annotated[float, Meta(ge=0, le=10)] = 2.0
    words: dict[str, Any] = {}
    engine: WakewordEngine = "streaming"
    gate: Literal["energy", "off"] = "energy"
    witness: Literal["auto", "off"] = "auto"
    verifier: Literal["auto", "off"] = "auto"
    verifier_threshold: Annotated[float, Meta(ge=0.05, le=0.99)] = 0.6
    smoothing_frames: Annotated[int, Meta(ge=1, le=5)] = 1
    near_miss_share: Annotated[float, Meta(ge=0.1, le=1)] = 0.5
    keep_near_misses: Annotated[int, Meta(ge=0, le=1000)] = 0

    def further_words(self) -> dict[str, WordSettings]:
        """Return ``words`` as structs, by name.

        Raises ``msgspec.ValidationError`` for an invalid one; see `disagreements`.
        """
        return {name: convert(word, WordSettings) for name, word in self.words.items()}


class MicrophoneSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The near-end: the sound card that hears the room.

    device: The card's name; `edgevoice devices` lists those present.
    channel: Which of the card's channels hears you, from 0; `edgevoice doctor` shows the level of each.
    preroll_s: How much from before the wake word goes to the service, so that no word is lost.
    zeros_s: After this much time with nothing but zeros the fault light shows that the microphone is off or dead; 0
        disables this, for devices that deliver zeros in a quiet room.
    """

    device: NotEmpty = "default"
    channel: Annotated[int, Meta(ge=0, le=15)] = 0
    preroll_s: Annotated[float, Meta(ge=0, le=5)] = 2.0
    zeros_s: Annotated[float, Meta(ge=0, le=3600)] = 30.0


class SpeakerSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The far-end: the sound card that answers.

    device: The card's name; `edgevoice devices` lists those present.
    volume_percent: How loud the answers are when the box starts.
    earcon_percent: How loud the earcons are, whatever the volume of the answers.
    prefill_ms: How much audio is buffered before playback begins: less is quicker, more survives a bad network.
    """

    device: NotEmpty = "default"
    volume_percent: Percent = 70
    earcon_percent: Percent = 40
    prefill_ms: Annotated[int, Meta(ge=20, le=500)] = 80


class EchoSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the box avoids hearing itself.

    tier: What may interrupt it while it speaks. "none": the wake word, if you are louder than the answer, and the talk
        button; the service hears silence meanwhile. "linear": the same, but the wake word is also detected under the
        answer. "suppressor": whatever you say. "hardware": whatever you say, because the device cancels its own echo.
        "auto": what `edgevoice doctor --echo` has measured in this room, else none.
    noisy_room: What it does where speech cannot be told from what goes on in the room, as beside a loud television.
        "wake-word": only the wake word and the talk button interrupt, until the answer is over or the room is quiet.
        "speech": whatever you say interrupts all the same; noise may lower or cut the answer, too.
    tail_ms: How long the room still echoes after playback has ended.
    """

    tier: Literal["auto", "none", "linear", "suppressor", "hardware"] = "auto"
    noisy_room: Literal["wake-word", "speech"] = "wake-word"
    tail_ms: Annotated[int, Meta(ge=0, le=1000)] = 200


class ConversationSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long the box waits for people and the service, and what it does after a false interruption.

    no_speech_s: How long it listens after the wake word if nobody speaks.
    follow_up_s: How long after an answer you can continue without the wake word; 0 hangs up after one answer.
    turn_s: How long a turn may last; if the service hears no end of it by then, the box hangs up.
    thinking_s: How long the service may take to begin its answer.
    progress_s: How long an answer that has begun may pause in silence before the box gives up on it.
    false_interruption: What happens to an answer that was cut by a sound without words, such as a cough: "resume"
        continues it where it was cut, "stop" does not.
    """

    no_speech_s: Annotated[float, Meta(ge=2, le=60)] = 8.0
    follow_up_s: Annotated[float, Meta(ge=0, le=60)] = 6.0
    turn_s: Annotated[float, Meta(ge=10, le=600)] = 90.0
    thinking_s: Annotated[float, Meta(ge=3, le=120)] = 15.0
    progress_s: Annotated[float, Meta(ge=3, le=120)] = 10.0
    false_interruption: Literal["resume", "stop"] = "resume"


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


class PanelSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Lights and buttons. Pins are BCM numbers, "none" for what is not connected; lights may share a pin.

    kind: What shows the lights: pins, or lines on the terminal; auto is gpio if /dev/gpiochip0 exists, else none.
    without_lights: What the box does if its lights are configured but cannot be used: "refuse" does not start, because
        nothing would show that audio leaves the box; "sound" plays a tone when audio may leave, and another when it no
        longer may; "listen" starts without either.
    listening_led_gpio: The light for "I hear you".
    speaking_led_gpio: The light for "I am speaking".
    status_led_gpio: The light for everything else, faults first.
    talk_button_gpio: The button that replaces the wake word; holding it ends the conversation.
    mute_button_gpio: The button that mutes the microphone.
    led_active_high: Whether a light is on when its pin is high.
    button_pull_up: Whether the buttons connect to ground, so that the pins need a pull-up.
    hold_s: How long a press must last to count as held.
    """

    kind: Literal["auto", "gpio", "terminal", "none"] = "auto"
    without_lights: Literal["refuse", "sound", "listen"] = "refuse"
    listening_led_gpio: Gpio | Literal["none"] = 17
    speaking_led_gpio: Gpio | Literal["none"] = 27
    status_led_gpio: Gpio | Literal["none"] = 22
    talk_button_gpio: Gpio | Literal["none"] = 23
    mute_button_gpio: Gpio | Literal["none"] = 24
    led_active_high: bool = True
    button_pull_up: bool = True
    hold_s: Annotated[float, Meta(ge=0.3, le=5)] = 1.0


class AmplifierSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The amplifier's mute pin: mutes it while the box starts and stops, and at once when an answer is cut.

    mute_gpio: The pin that mutes it: SD_MODE of a MAX98357A, XSMT of a PCM5102.
    mute_active_high: Whether a high level mutes; false if a low level does.
    """

    mute_gpio: Gpio | Literal["none"] = "none"
    mute_active_high: bool = False


class ToolsSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the model may do besides talking.

    enabled: The built-in tools that the model may call. Tools in the folder, and those of the memory, need not be
        named.
    folder: A folder of Python files whose functions marked @tool are tools, too. The files and the folder must belong
        to root, or to the user who runs the box, and be writable by nobody else.
    timeout_s: How long a tool may take before it counts as failed.
    """

    enabled: Annotated[
        tuple[ToolName, ...], Meta(extra={"must_be": 'a list of the names of tools, such as ["set_timer"]'})
    ] = (
        "get_current_time",
        "set_volume",
        "set_timer",
        "cancel_timers",
        "end_conversation",
    )
    folder: NotEmpty = "/etc/edgevoice/tools"
    timeout_s: Annotated[float, Meta(ge=1, le=60)] = 10.0


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
    tools: ToolsSettings = field(default_factory=ToolsSettings)
    memory: MemorySettings = field(default_factory=MemorySettings)
    watchdog: WatchdogSettings = field(default_factory=WatchdogSettings)
    log: LogSettings = field(default_factory=LogSettings)
