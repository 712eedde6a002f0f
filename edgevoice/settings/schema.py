"""Every setting: its default, its unit, its range, and what it does. Reads nothing; `settings_file` fills the structs.

Units stand at the end of a name: ``_s`` seconds, ``_ms`` milliseconds, ``_percent`` percent of full volume, ``_gpio``
the BCM number of a pin. Ranges and docstrings are data: the error lines and what `edgevoice config init` writes are
made from them, so they cannot disagree.
"""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct, convert, field

ToolName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""The name of a tool as the Realtime protocol takes it. Which tools there are is known only where they come from."""

NotEmpty = Annotated[str, Meta(min_length=1)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Gpio = Annotated[int, Meta(ge=0, le=27)]
"""The BCM number of a pin on the 40-pin header."""

# ``is_private``: a key may stand here by mistake, so no error repeats the value. ``must_be``: what an error asks for.
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

INSTRUCTIONS = (
    "You are a friendly voice assistant in a small speaker on a kitchen shelf. Everything you say is spoken aloud: "
    "answer in one or two short spoken sentences, without markdown, lists, links or emoji, and say numbers and units "
    "the way people do. Go on for longer only when you are asked for a story or an explanation. "
    "The user's turn may open with the wake word: ignore it. If you did not understand, ask in a few words. "
    "Use the tools for the time, timers and the volume, and never guess what they would tell. "
    "When the user says goodbye or needs nothing more, say goodbye by calling end_conversation."
)


STEERING = (
    "You may colour what you say: put a short direction in square brackets before the words that it is for, such as "
    "[cheerful] or [speak softly], or a sound, such as [laugh] or [sigh]. Use one at most in an answer. "
    "They are performed and not read aloud, so never speak of them."
)
"""What the model is told where the voice performs steering tags."""


class ServiceSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who answers, and how: the Realtime service on the other side of the WebSocket.

    url: Where the service answers. Empty takes Inworld when there is a key, else the service inside the box; "local"
        always takes the service inside the box.
    dialect: Whose wire format to speak. "auto" goes by the address: inworld for Inworld and for the service inside the
        box, openai for any other.
    auth: How the key is presented. "auto" takes basic for the inworld dialect and bearer for openai.
    key_file: A file that holds the key and nothing else, readable by its owner only (chmod 600). The key itself never
        stands among the settings. Not on an installed box, whose service sees no home folder: there
        `sudo scripts/setup --key-file FILE` stores it. EDGEVOICE_API_KEY and such a stored key override this file.
    model: The language model that answers.
    voice: The voice that speaks.
    tts_model: The model that turns text into speech.
    stt_model: The model that writes down what the user said.
    language: The language that is spoken to the box.
    speed: How fast the voice speaks; 1 is its own pace.
    instructions: What the model is told about itself and its manners.
    steering: "auto" tells the model that it may colour its words with directions such as [cheerful] where the tts_model
        performs them, which is inworld-tts-2; "off" never does.
    temperature: How freely the model words its answers; only Inworld takes it.
    max_output_tokens: The longest answer, in the model's tokens; what is longer is broken off.
    turn_detection: How the end of a turn is found: semantic_vad by what was said, server_vad by silence alone.
    eagerness: How soon semantic_vad takes a turn as finished; low lets people pause and think.
    vad_threshold: How sure server_vad must be that it hears speech; higher for noisy rooms.
    vad_silence_ms: The silence that ends a turn under server_vad.
    vad_prefix_ms: What server_vad keeps from before the speech that it noticed.
    noise_reduction: The service's noise filter: far_field for a box across the room, near_field for a headset.
    provider_data: The service's own further fields (providerData at Inworld), handed over as they stand; for example
        {stt = {voice_profile = true}}.
    connect_s: How long dialling may take before it is given up.
    pong_s: How long the service may leave a sign of life unanswered before the connection is taken as lost.
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
        """Tell which wire format to speak, "auto" being decided by the host in ``url``."""
        if self.dialect != "auto":
            return self.dialect
        if self.url in {"", "local"}:
            return "inworld"
        host = urlsplit(self.url).hostname or ""
        return "inworld" if f".{host}".endswith(".inworld.ai") else "openai"

    @property
    def may_answer_tools(self) -> bool:
        """Whether the service may answer a tool's output by itself: an address of Inworld's under another name does."""
        host = urlsplit(self.url).hostname or ""
        return self.spoken_dialect == "openai" and not host.endswith((".openai.com", ".azure.com"))

    @property
    def spoken_instructions(self) -> str:
        """Tell what the model is told: its instructions, and how to steer the voice if that is one that can be."""
        # The other models read the tags aloud.
        is_steered = self.spoken_dialect == "inworld" and self.tts_model == "inworld-tts-2"
        if self.steering == "off" or not is_steered:
            return self.instructions
        return f"{self.instructions}\n\n{STEERING}".lstrip()

    @property
    def spoken_auth(self) -> Literal["basic", "bearer"]:
        """Tell how to present the key, "auto" being decided by the dialect."""
        if self.auth != "auto":
            return self.auth
        return "basic" if self.spoken_dialect == "inworld" else "bearer"


Score = Annotated[float, Meta(ge=0.05, le=0.99, extra={"must_be": "a number between 0.05 and 0.99"})]
SureScore = Annotated[float, Meta(ge=0.05, le=1, extra={"must_be": "a number between 0.05 and 1"})]


WakewordEngine = Literal["streaming", "openwakeword", "microwakeword"]


class WordSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is particular about one wake word; what is left out is as for the others, or as the service has it."""

    model: Annotated[NotEmpty, Meta(extra={"must_be": "the name of a word or the path of a model"})] | None = None
    threshold: Score | None = None
    sure_threshold: SureScore | None = None
    voice: Annotated[NotEmpty, Meta(extra={"must_be": "a text that is not empty"})] | None = None
    instructions: Annotated[str, Meta(extra={"must_be": "a text"})] | None = None


class WakewordSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The wake word, which is listened for inside the box. Scores run from 0 to 1.

    model: The name of a word that is present, or the path of a model: an .onnx file, or with the engine microwakeword
        a .json file with its .tflite file beside it.
    threshold: The score that makes a detection once it has been confirmed by a second frame.
    sure_threshold: The score that makes a detection at once; at least the threshold.
    speaking_threshold: The least score that makes a detection while the box itself speaks: it may say the word.
    refractory_s: How long after a detection the next one is ignored.
    words: Further wake words by name, and what is particular about any, the first one among them: model, threshold,
        sure_threshold, and the voice and the instructions of the session that it opens; for example
        {alexa = {threshold = 0.6}, computer = {model = "~/computer.onnx", voice = "Dennis"}}.
    engine: What computes the scores. streaming and openwakeword run openWakeWord's models and give the same scores,
        the second at eight times the cost. microwakeword runs microWakeWord's models, which may be used commercially.
    gate: "energy" computes no scores while nothing stands out of the room's own sound; "off" computes them all.
    witness: "auto" lets microWakeWord's model of the same word, where there is one, confirm or exclude what the engine
        streaming nearly or barely hears: fewer calls missed in noise. "off" leaves the engine alone.
    verifier: "auto" asks the verifiers of the voices that `edgevoice wakeword enrol` has learnt, where there are any;
        "off" leaves them alone. They work with the engine streaming.
    verifier_threshold: The probability from which a verifier counts a voice as known; higher is stricter.
    smoothing_frames: Of how many scores, one every 80 ms, the mean stands for each: 1 takes them as they are, because a
        detection needs two in a row anyway; 3 and more lose words in noise.
    near_miss_share: The share of the threshold from which a score that made no detection is written down, for
        `edgevoice wakeword tune`.
    keep_near_misses: How many recordings of near misses are kept, 2 s each; the oldest make room. With 0 no sound is
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

        ``msgspec.ValidationError`` if one is not right, see `disagreements`.
        """
        return {name: convert(word, WordSettings) for name, word in self.words.items()}


class MicrophoneSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The near-end: the sound card that hears the room.

    device: The card's name; `edgevoice devices` lists those present.
    channel: Which of the card's channels hears you, from 0; `edgevoice doctor` shows the level of each.
    preroll_s: How much from before the wake word goes to the service, so that no word is lost.
    zeros_s: After how long of nothing but zeros the fault light shows that the microphone is switched off or dead; 0
        never does, for devices that deliver zeros in a quiet room.
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
    prefill_ms: What is collected before playback begins: less is quicker, more rides out a bad network.
    """

    device: NotEmpty = "default"
    volume_percent: Percent = 70
    earcon_percent: Percent = 40
    prefill_ms: Annotated[int, Meta(ge=20, le=500)] = 80


class EchoSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What keeps the box from hearing itself.

    tier: What may interrupt it while it speaks. "none": the wake word, if you are louder than the answer, and the talk
        button; the service hears silence meanwhile. "linear": the same, and the wake word is found under the answer,
        too. "suppressor": whatever you say. "hardware": whatever you say, because the device cancels its own echo.
        "auto": what `edgevoice doctor --echo` has found out in this room, else none.
    noisy_room: What it does where speech cannot be told from what goes on in the room, as beside a loud television.
        "wake-word": only the wake word and the talk button interrupt, until the answer is over or the room is quiet.
        "speech": whatever you say interrupts all the same; noise may lower or cut the answer, too.
    tail_ms: How long the room goes on sounding after playback has ended.
    """

    tier: Literal["auto", "none", "linear", "suppressor", "hardware"] = "auto"
    noisy_room: Literal["wake-word", "speech"] = "wake-word"
    tail_ms: Annotated[int, Meta(ge=0, le=1000)] = 200


class ConversationSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long the box waits before it lets go, and what it does when nobody spoke.

    no_speech_s: How long it listens after the wake word when nobody speaks.
    follow_up_s: How long after an answer one may go on without the wake word; 0 hangs up after one answer.
    turn_s: How long the service may hear you speak without an end; then the box hangs up.
    thinking_s: How long the service may take to begin its answer.
    progress_s: How long an answer that has begun may stand still, silent, before it is given up.
    false_interruption: What becomes of an answer that was cut for a sound in which nobody said a word, such as a cough:
        "resume" goes on where it was cut, "stop" leaves it at that.
    """

    no_speech_s: Annotated[float, Meta(ge=2, le=60)] = 8.0
    follow_up_s: Annotated[float, Meta(ge=0, le=60)] = 6.0
    turn_s: Annotated[float, Meta(ge=10, le=600)] = 90.0
    thinking_s: Annotated[float, Meta(ge=3, le=120)] = 15.0
    progress_s: Annotated[float, Meta(ge=3, le=120)] = 10.0
    false_interruption: Literal["resume", "stop"] = "resume"


class BudgetSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long sessions may be open, because the service bills the time. The one inside the box costs nothing.

    session_s: The longest conversation; none goes on for ever, whoever answers.
    daily_minutes: The minutes that all conversations of a day may take, by the box's own date; 0 sets no limit.
    """

    session_s: Annotated[float, Meta(ge=30, le=5400)] = 600.0
    daily_minutes: Annotated[float, Meta(ge=0, le=1440)] = 0.0


class WatchdogSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is done when the box itself is slow. systemd starts it again when it stands still for longer.

    stall_s: Standing still for longer than this is written to the log, and no deadline is held against what waited.
    """

    stall_s: Annotated[float, Meta(ge=0.2, le=10)] = 1.0


class PanelSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Lights and buttons. Pins are BCM numbers, "none" for what is not there; lights may share a pin.

    kind: What shows the lights: pins, or lines on the terminal; auto is gpio where /dev/gpiochip0 exists, else none.
    without_lights: What the box does where its lights are wanted and cannot be had: "refuse" does not start, because
        nothing would show that audio leaves the box; "sound" plays a tone when it may, and another when it no longer
        may; "listen" does neither.
    listening_led_gpio: The light that says: I hear you.
    speaking_led_gpio: The light that says: I speak.
    status_led_gpio: The light for everything else, faults first.
    talk_button_gpio: The button that stands in for the wake word; held, it ends the conversation.
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
    """The amplifier's mute pin: it is silent while the box starts and stops, and at once when an answer is cut.

    mute_gpio: The pin that mutes it: SD_MODE of a MAX98357A, XSMT of a PCM5102.
    mute_active_high: Whether a high pin mutes; false where low mutes.
    """

    mute_gpio: Gpio | Literal["none"] = "none"
    mute_active_high: bool = False


class ToolsSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the model may do beside talking.

    enabled: The names of the tools that the model may call.
    timeout_s: How long a tool may take before the model is told that it failed.
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
    timeout_s: Annotated[float, Meta(ge=1, le=60)] = 10.0


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the log tells. Never what was said, at any level.

    level: The least important entries that are kept.
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
    watchdog: WatchdogSettings = field(default_factory=WatchdogSettings)
    log: LogSettings = field(default_factory=LogSettings)
