"""How the conversation behaves: the settings that its decisions depend on."""

from msgspec import Struct


class Policy(Struct, frozen=True):
    """How the conversation behaves; times in seconds.

    ``connect_s``: how long dialling may take. ``no_speech_s``: how long to listen after the wake word. ``follow_up_s``:
    how long to listen after an answer, 0 = not at all. ``turn_s``: how long the user may speak. ``answer_s``: how long
    to wait for an answer to begin. ``progress_s``: how long an answer that has begun may stall. ``session_s``: the hard
    cap. ``echo_tail_s``: how long the echo lasts after playback. ``may_answer_tools``: the service may answer the
    output of a tool unprompted. ``hears_itself``: the microphone picks up our own speech, so the uplink carries zeros
    while we speak and nobody speaks over us. ``resumes``: an answer resumes after a false interruption.
    ``stays_open``: a session that is lost is dialled again even if nothing is missing of the answer that is sounding.
    ``ignores_speech_in_noise``: speech does not interrupt an answer if it cannot be told from the room.
    """

    connect_s: float = 12.0
    no_speech_s: float = 8.0
    follow_up_s: float = 6.0
    turn_s: float = 90.0
    answer_s: float = 15.0
    progress_s: float = 10.0
    session_s: float = 600.0
    echo_tail_s: float = 0.2
    may_answer_tools: bool = False
    hears_itself: bool = True
    resumes: bool = False
    stays_open: bool = False
    ignores_speech_in_noise: bool = False
