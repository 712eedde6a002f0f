"""The answer in progress: what the wire, the room and the tools are doing with it. No I/O, no clock.

It is five small machines, each with its own states and its own table of transitions:

1. `generation`: the response that the service is generating, and earlier ones that have not ended yet;
2. `playback`: what the room hears of the answer: bursts, pauses, the echo;
3. `tool_round`: the calls whose tools are running, and whether their outputs are being answered;
4. `request`: whether an answer is due, and whether we have asked for it;
5. `ending`: what happens to the conversation once the answer has been heard.

They are separate because a service sends faster than real time and answers when it likes: a response may be complete
long before it has been heard, be cut while it is still being generated, or be refused because another is running. They
interact here and nowhere else:

- An answer that *begins* is generated (1), may be heard (2), answers the tools that have finished (3), and is no longer
  due (4).
- A response that *ends* is no longer generated (1); if we had asked for one, this was it (4).
- *Calls* start a round (3); no answer is requested before the round is over (4).
- An answer that is *cut*, or has been heard, is abandoned on the wire (1), silent (2), waits for nothing (4), and the
  outputs of its tools are only sent for the record (3).
- One that is *taken up* again after a false interruption undoes all of that, and restores the goodbye (5).
- A *lost session* lets the audio that has arrived be heard (2), ends the rest (1, 3, 4), and decides what follows (5).

The phase of the conversation (`phases`) is a sixth machine. It interacts with the others in `state` and `turns`: it is
SPEAKING while something sounds or echoes (2); the user's turn, LISTENING, forgets the tools of the last one (3); and an
answer that is still generated (1) in LISTENING is presumed over, because its end is missing.
"""

from edgevoice.core.conversation.cut_answer import CutAnswer
from edgevoice.core.conversation.ending import Ending
from edgevoice.core.conversation.generation import Generation
from edgevoice.core.conversation.playback import Playback
from edgevoice.core.conversation.request import AnswerRequest
from edgevoice.core.conversation.tool_round import ToolRound
from edgevoice.core.facts import ToolCall


class Answer:
    """The five machines of the answer in progress, and how they interact."""

    def __init__(self) -> None:
        self.generation = Generation()
        self.playback = Playback()
        self.tools = ToolRound()
        self.request = AnswerRequest()
        self.ending = Ending()

    def reset(self) -> None:
        """Forget the answer: its session is over."""
        self.generation.reset()
        self.playback.reset()
        self.tools.reset()
        self.request.reset()
        self.ending.reset()

    @property
    def is_with_tools(self) -> bool:
        """Whether tools are running, so that an answer from the service is expected only after them."""
        return not self.generation.is_open and self.tools.is_running

    @property
    def is_received(self) -> bool:
        """Whether nothing more is expected over the wire; stale tools are not waited for."""
        return not self.generation.is_open and not self.request.is_due and not self.tools.is_running

    @property
    def is_over(self) -> bool:
        """Whether the answer is finished: generated, played, no round of tools running and no further answer due."""
        return self.is_received and not self.playback.is_sounding

    @property
    def is_begun(self) -> bool:
        """Whether the user has heard part of it, or a tool has been run for it: it must not be given twice."""
        return self.tools.has_called or self.playback.has_sounded or self.ending.lost_by != ""

    @property
    def early_answer(self) -> str | None:
        """The response to the tools' outputs, if it is still open and none of it is sounding: it can be replaced."""
        is_replaceable = self.tools.is_being_answered and not self.playback.is_sounding
        return self.generation.response_id if is_replaceable else None

    @property
    def needs_no_other(self) -> bool:
        """Whether an answer to the tools that the service begins now unprompted is superfluous.

        It was made from only some of their outputs, or it is a second answer to them, or the user must be asked first.
        """
        return (
            self.tools.is_running
            or self.tools.asking != ""
            or (self.tools.is_being_answered and self.early_answer is None)
        )

    def begin(self, response_id: str) -> None:
        """Take a response as the one to be heard."""
        self.generation.begin(response_id)
        self.playback.admit(response_id)
        self.request.begin()
        self.tools.answer()

    def begin_unwanted(self, response_id: str) -> None:
        """Record a response that will not be played: it is being cancelled."""
        self.generation.begin_unwanted(response_id)
        self.request.call_off()

    def end(self) -> None:
        """Record that the response is complete on the wire."""
        self.generation.end()
        self.request.end()

    def begin_tools(self, calls: tuple[ToolCall, ...], *, has_spoken: bool) -> None:
        """Wait for the tools that were called, and then ask for an answer to their outputs."""
        self.tools.begin(calls, has_spoken=has_spoken)
        self.request.take_calls()

    def be_refused(self) -> bool:
        """Record that our request was refused because of another response; return whether that one is the answer.

        It is the answer if nothing else was blocking our request: the service answered unprompted. If it ends without a
        sound, or another response was blocking the request, the request is repeated afterwards.
        """
        self.request.refuse(is_in_the_way=not self.generation.lets_us_ask)
        return self.request.is_to_be_repeated and not self.generation.leftovers

    def fall_silent(self) -> None:
        """Close the fence: audio of this answer that still arrives is too late."""
        self.playback.silence()
        self.generation.give_up()
        self.request.silence()
        self.tools.go_stale()

    def as_cut(self, now: float) -> CutAnswer | None:
        """Return a snapshot for resuming the answer after a cut at this moment; ``None`` if nothing is sounding."""
        fence = self.playback.fence
        if fence is None or not self.playback.is_sounding:
            return None
        return CutAnswer(fence, now, self.request.is_due, self.tools.state, self.ending.is_goodbye)

    def take_up(self, cut: CutAnswer, *, is_due: bool) -> None:
        """Resume an answer that was cut, whatever has begun since.

        ``is_due`` says that another answer is still to begin after it.
        """
        self.generation.take_up(cut.response_id)
        self.playback.take_up(cut.response_id)
        self.request.take_up(is_due=is_due)
        self.tools.take_up(cut.tools)
        if cut.is_goodbye:
            self.ending.say_goodbye()

    def break_off(self, code: str, *, is_final: bool) -> None:
        """Expect no more audio than has already arrived: the session ended in the middle of the answer."""
        self.ending.lose(code, is_final=is_final)
        self.generation.break_off()
        self.request.break_off()
        self.tools.break_off()

    def take_goodbye(self) -> None:
        """Hang up once the goodbye has been spoken; ignored if the user has spoken since: then they have not left."""
        if self.tools.is_running:
            self.ending.say_goodbye()
