"""The echo reference that the settings name: whether it carries what the box plays, and what that promises."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np

from edgevoice import threads
from edgevoice.audio.cards import is_of_sound_server
from edgevoice.audio.mix_input import MixInput, open_mix
from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.doctor.findings import Finding, doubtful, fine, skipped, wrong
from edgevoice.doctor.sound import Half, MixHeard, State, is_tone
from edgevoice.echo.tiers import Tier
from edgevoice.errors import EdgevoiceError
from edgevoice.settings.schema import Settings

NAME = "echo reference"

_OPEN_LIMIT_S = 5.0
_RUNNING = "`edgevoice status` says what a running box takes its echo from."
_NOTHING = np.zeros(0, np.int16)


@asynccontextmanager
async def capture_mix(settings: Settings) -> AsyncIterator[MixHeard | None]:
    """Capture the mix that the settings name, if any; what goes wrong is in what is yielded."""
    if not settings.echo.has_mix:
        yield None
        return
    heard = MixHeard(settings.echo.reference)

    def open_it() -> MixInput:
        return open_mix(heard.device, settings.microphone.device, heard, ClockFit(FAR_END_HZ))

    opening = threads.run(open_it, name="opening the echo reference")
    done, _ = await asyncio.wait({opening}, timeout=_OPEN_LIMIT_S)
    captured: MixInput | None = None
    try:
        if done:
            captured = opening.result()
        else:
            heard.problem = f"{heard.device} does not open within {_OPEN_LIMIT_S:g} s: the sound system hangs"
    except EdgevoiceError as error:
        heard.problem, heard.remedy = str(error), error.remedy
    try:
        yield heard
    finally:
        if captured is not None:
            heard.problem = captured.problem
            captured.close()


def judge_mix(heard: MixHeard | None, speaker: Half, tier: Tier) -> Finding:
    """Judge what was captured while the tone was played; ``tier`` is the one in force."""
    if heard is None or speaker.state is not State.OPEN:
        return skipped(NAME, "nothing was played, so it could not be found in the mix", speaker.remedy or _RUNNING)
    if heard.problem:
        return wrong(NAME, heard.problem, heard.remedy)
    if not is_tone(np.concatenate([*heard.pieces, _NOTHING]), FAR_END_HZ):
        return wrong(
            NAME,
            f"{heard.device} does not carry what the box plays: its own sound alone is the reference, so interrupting "
            "an answer by speaking is not promised over music",
            "Name the loopback or monitor of the device on which the box and the music play; or set echo.reference to "
            '"own".',
        )
    if is_of_sound_server(heard.device) and not heard.device.endswith(".monitor"):
        return doubtful(
            NAME,
            f"{heard.device} heard what the box plays, but it may be a microphone, which makes the box deaf",
            'The monitor of a sound server is named as "pulse:NAME.monitor".',
        )
    if tier is Tier.NONE:
        return doubtful(
            NAME,
            f"{heard.device} carries what the box plays, but with the echo tier none nothing is cancelled",
            "Run `edgevoice doctor --echo`, or set echo.tier.",
        )
    if not tier.lets_speech_interrupt:
        return fine(NAME, f"{heard.device} carries what the box plays: the wake word is heard over music, too")
    text = f"{heard.device} carries what the box plays: music of other programs may play, and speech still interrupts"
    return fine(NAME, text)
