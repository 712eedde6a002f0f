"""The models that tell a person who speaks over an answer from everything else, as a box and a sound card load them."""

from typing import Final

from edgevoice.echo.voice import Models
from edgevoice.wakeword.opening import open_event_model, open_sound_model, open_voice

MODELS: Final = Models(open_voice, open_sound_model, open_event_model)
