"""Which settings the page may change: those that tune the box. Everything else is changed in the file. Pure.

Left out, because a browser is easier to take over than a shell: where the box connects to and with which key, which
programs, files and folders it uses, its pins and devices, what it keeps of what is said, and who may control it.
"""

from collections.abc import Mapping
from typing import Final

CHANGEABLE: Final[Mapping[str, frozenset[str]]] = {
    section: frozenset(names.split())
    for section, names in {
        "service": "voice language speed instructions steering temperature max_output_tokens turn_detection eagerness "
        "vad_threshold vad_silence_ms vad_prefix_ms noise_reduction",
        "wakeword": "threshold sure_threshold speaking_threshold refractory_s gate smoothing_frames",
        "microphone": "preroll_s zeros_s",
        "speaker": "volume_percent earcon_percent prefill_ms",
        "echo": "tier noisy_room tail_ms",
        "conversation": "no_speech_s follow_up_s turn_s thinking_s progress_s false_interruption whisper",
        "budget": "session_s daily_minutes",
        "panel": "brightness_percent night_from night_to night_brightness_percent hold_s",
        "alarms": "volume_percent snooze_minutes",
        "quiet": "begin end",
        "personas": "enabled by_voice",
        "log": "level",
    }.items()
}


def may_change(dotted: str) -> bool:
    """Return whether the page may change the setting of this full name."""
    section, _, name = dotted.partition(".")
    return name in CHANGEABLE.get(section, frozenset())
