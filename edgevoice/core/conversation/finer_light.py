"""The finer light: what the panel shows within a phase, beside the light of the phase that the orders name. Pure.

The conversation decides by phases, and its orders name their lights. Who speaks, what works and how loud the answers
are change nothing of what it does: it is only shown.
"""

from edgevoice.core.conversation.box_state import BoxState
from edgevoice.core.conversation.playback import PlaybackState
from edgevoice.core.conversation.state import ConversationState
from edgevoice.core.orders import Light, ShowLight

_LOUD_LIGHTS = frozenset({Light.IDLE, Light.MUTED, Light.SPEAKING, Light.ANNOUNCING})
"""The lights over which a new volume is shown: not over the user's turn, which leaves the box, and not over a fault,
which would be news again afterwards.
"""


def finer(light: ShowLight, state: ConversationState, box: BoxState) -> ShowLight:
    """Return what the panel shows while this is the light of the phase."""
    if box.volume is not None and light.light in _LOUD_LIGHTS:
        return ShowLight(Light.VOLUME, level=box.volume)
    match light.light:
        case Light.LISTENING if state.is_user_speaking:
            return ShowLight(Light.HEARING)
        case Light.THINKING if state.answer.tools.is_running:
            return ShowLight(Light.WORKING)
        case Light.SPEAKING if state.answer.playback.state is PlaybackState.DUCKED:
            return ShowLight(Light.DUCKED)
        case _:
            return light
