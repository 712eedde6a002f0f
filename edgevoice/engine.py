"""Engine: a queue of facts, the conversation that decides, and adapters that obey. Owns the one timer."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from edgevoice.core.conversation.conversation import Conversation
from edgevoice.core.conversation.noisy_room import Noise
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    AnswerArrived,
    BackchannelStarted,
    DeadlinePassed,
    Event,
    ItemEnded,
    LinkLost,
    LoopStalled,
    PlaybackStarted,
    ResponseEnded,
)
from edgevoice.core.notices import (
    AudioReceived,
    Notice,
    PhaseEntered,
    RingingBegan,
    RingingEnded,
    ServiceStateChanged,
    SpeechHeeded,
    SpeechIgnored,
    TranscriptChanged,
    UsageTold,
)
from edgevoice.core.orders import (
    AbandonTools,
    Action,
    AddNote,
    CancelResponse,
    ChangeVolume,
    CloseLink,
    CloseUplink,
    CreateResponse,
    CutClip,
    CutPlayback,
    DeleteItem,
    DeleteTurn,
    DropPlayback,
    DuckPlayback,
    ExtendItem,
    KeepUplink,
    MarkTurn,
    MicrophoneOrder,
    MuteMicrophone,
    OpenLink,
    OpenUplink,
    PlayClip,
    PlayEarcon,
    PlayRing,
    ReportOrder,
    RestorePlayback,
    ResumePlayback,
    RewindUplink,
    RunTool,
    SendToolOutput,
    ServiceOrder,
    ShowLight,
    SilenceUplink,
    SpeakerOrder,
    StopBackchannel,
    StopEarcons,
    TruncateItem,
    UnmuteMicrophone,
)
from edgevoice.core.ports import FarEnd, NearEnd, Observer, Panel, Service, Tools
from edgevoice.core.protocol.downlink import Arrival, AudioPiece, BackchannelComplete, BackchannelPiece, ItemComplete

_MOST_PENDING = 1000
"""Facts that may wait at once.

They are handled as they arrive, so more than a few is a bug, which must not stay hidden.
"""


@dataclass(frozen=True, slots=True)
class Adapters:
    """Everything that touches the outside world."""

    service: Service
    near_end: NearEnd
    far_end: FarEnd
    panel: Panel
    tools: Tools


class Engine:
    """Feeds facts to the conversation in order and dispatches its orders at once, in the loop's thread.

    ``clock`` gives monotonic seconds; a deadline that is noticed more than ``stall_s`` late means that the loop
    stalled. ``observers`` see every fact and order; they must not block or raise. A fact that an adapter reports while
    orders are being dispatched waits until they are through.
    """

    def __init__(
        self,
        conversation: Conversation,
        adapters: Adapters,
        clock: Callable[[], float],
        observers: Sequence[Observer] = (),
        *,
        stall_s: float = 1.0,
    ) -> None:
        self._conversation = conversation
        self._adapters = adapters
        self._clock = clock
        self._observers = list(observers)
        self._pending: deque[Event] = deque()
        self._is_busy = False
        self._light: ShowLight | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stall_s = stall_s

    @property
    def panel(self) -> Panel:
        """The panel that shows the lights."""
        return self._adapters.panel

    def start(self) -> None:
        """Put the panel and the gates into their first state."""
        self._is_busy = True  # what the panel reports meanwhile waits
        self._dispatch(self._with_light(self._conversation.start()))
        self._drain()

    def stop(self) -> None:
        """Cancel the timer; from now on only a reported fact leads to a decision."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def report(self, event: Event) -> None:
        """Take a fact; call it only in the loop's thread. Too many facts at once raise ``OverflowError``."""
        self._pending.append(event)
        if len(self._pending) > _MOST_PENDING:
            raise OverflowError(f"more than {_MOST_PENDING} facts wait for the conversation")
        if not self._is_busy:
            self._drain()

    def add_observers(self, observers: Iterable[Observer]) -> None:
        """Show them everything from now on, after those that are there already."""
        self._observers += observers

    def notify(self, notice: Notice) -> None:
        """Show the observers what passes beside the conversation; facts and orders are shown without being asked."""
        for observer in self._observers:
            observer.observe(notice, self._clock())

    def take(self, arrivals: Iterable[Arrival]) -> None:
        """Take what one frame of the service means, in order: audio bypasses the conversation through its fence."""
        for arrival in arrivals:
            match arrival:
                case AudioPiece():
                    self._play(arrival)
                case ItemComplete(response_id=response_id, item_id=item_id):
                    if self._conversation.admits(response_id):
                        self._adapters.far_end.finish_item(item_id)
                        self.report(ItemEnded(response_id))
                case BackchannelPiece():
                    self._play_backchannel(arrival)
                case BackchannelComplete(backchannel_id=backchannel_id):
                    self._adapters.far_end.finish_backchannel(backchannel_id)
                case TranscriptChanged() | UsageTold() | ServiceStateChanged():
                    self.notify(arrival)
                case ResponseEnded():
                    if self._conversation.admits(arrival.response_id):
                        self._adapters.far_end.finish()
                    self.report(arrival)
                case LinkLost():
                    # No more audio will come, so do not wait for the prefill.
                    self._adapters.far_end.finish()
                    self.report(arrival)
                case _:
                    self.report(arrival)

    def _play(self, piece: AudioPiece) -> None:
        if not self._conversation.admits(piece.response_id):
            return  # late news: cut, or never wanted
        if self._conversation.keeps_rest_beside(piece.response_id):
            self.report(AnswerArrived(piece.response_id))
        self.notify(AudioReceived(piece.response_id, piece.item_id, piece.pcm))
        burst = self._adapters.far_end.play(piece.item_id, piece.content_index, piece.pcm)
        if burst is not None:
            self.report(PlaybackStarted(burst))

    def _play_backchannel(self, piece: BackchannelPiece) -> None:
        if not self._conversation.admits_backchannels:
            # Late: the turn is over. The next one may have begun before this one ended.
            self._adapters.far_end.skip_backchannel(piece.backchannel_id)
            return
        if self._adapters.far_end.play_backchannel(piece.backchannel_id, piece.pcm):
            self.report(BackchannelStarted(piece.backchannel_id))

    def _drain(self) -> None:
        self._is_busy = True
        try:
            while self._pending:
                event = self._pending.popleft()
                phase, noise = self._conversation.phase, self._conversation.noise
                was_ringing = self._conversation.is_ringing
                self.notify(event)
                self._dispatch(self._with_light(self._conversation.handle(event, self._clock())))
                self._notify_changes(phase, noise)
                if self._conversation.is_ringing is not was_ringing:
                    self.notify(RingingEnded() if was_ringing else RingingBegan())
        finally:
            self._is_busy = False
        self._set_timer()

    def _notify_changes(self, phase: Phase, noise: Noise | None) -> None:
        """Notify the observers of what has changed since: the phase, and whether speech interrupts the answer."""
        if self._conversation.phase is not phase:
            self.notify(PhaseEntered(self._conversation.phase))
        match self._conversation.noise:
            case None if noise is not None:
                self.notify(SpeechHeeded())
            case Noise() as found if noise is None:
                self.notify(SpeechIgnored(found))
            case _:
                pass  # as before

    def _set_timer(self) -> None:
        self.stop()
        if (deadline := self._conversation.deadline) is not None:
            now = self._clock()
            due = max(deadline, now)
            self._timer = asyncio.get_running_loop().call_later(due - now, self._deadline_over, due)

    def _deadline_over(self, due: float) -> None:
        # Timers run before frames that arrived meanwhile: a late timer also means that queued frames are unread.
        late_s = self._clock() - due
        self.report(LoopStalled(late_s) if late_s > self._stall_s else DeadlinePassed())

    def _dispatch(self, actions: Iterable[Action]) -> None:
        for action in actions:
            self._obey(action)
            self.notify(action)

    def _with_light(self, actions: list[Action]) -> list[Action]:
        """Put what the panel shows in the place of the light of the phase, or first if only something finer changes."""
        light = self._conversation.light
        is_new, self._light = light != self._light, light
        named = [index for index, action in enumerate(actions) if isinstance(action, ShowLight)]
        shown = [light] if is_new else []
        for index in named:
            actions[index : index + 1] = shown
        return actions if named else [*shown, *actions]

    def _obey(self, action: Action) -> None:
        match action:
            case RunTool(call=call):
                self._adapters.tools.run(call)
            case AbandonTools(call_ids=call_ids):
                self._adapters.tools.abandon(call_ids)
            case ShowLight(light=light, reason=reason, level=level):
                self._adapters.panel.show(light, reason, level)
            case _ if isinstance(action, ReportOrder):
                pass  # an observer waits for it
            case _ if isinstance(action, SpeakerOrder):
                self._obey_at_speaker(action)
            case _ if isinstance(action, MicrophoneOrder):
                self._obey_at_microphone(action)
            case _:
                self._obey_over_link(action)

    def _obey_at_speaker(self, action: SpeakerOrder) -> None:
        far_end = self._adapters.far_end
        match action:
            case CutPlayback(keeps_rest=keeps_rest):
                far_end.cut(keeps_rest=keeps_rest)
            case ResumePlayback():
                self.report(PlaybackStarted(far_end.resume()))
            case DropPlayback():
                far_end.drop()
            case StopBackchannel():
                far_end.stop_backchannel()
            case DuckPlayback():
                far_end.duck()
            case RestorePlayback():
                far_end.restore()
            case ChangeVolume(percent=percent):
                far_end.change_volume(percent)
            case PlayEarcon(earcon=earcon):
                far_end.play_earcon(earcon)
            case StopEarcons():
                far_end.stop_earcons()
            case PlayRing(clip_id=clip_id, gain_db=gain_db):
                far_end.play_ring(clip_id, gain_db)
            case PlayClip(clip_id=clip_id, has_chime=has_chime):
                far_end.play_clip(clip_id, has_chime=has_chime)
            case CutClip():
                far_end.cut_clip()
            case _:
                assert_never(action)

    def _obey_at_microphone(self, action: MicrophoneOrder) -> None:
        near_end = self._adapters.near_end
        match action:
            case KeepUplink(at_sample=at_sample, has_preroll=has_preroll):
                near_end.keep(near_end.position if at_sample is None else at_sample, has_preroll=has_preroll)
            case MarkTurn():
                near_end.mark()
            case RewindUplink():
                near_end.rewind()
            case OpenUplink():
                near_end.open()
            case SilenceUplink():
                near_end.silence()
            case CloseUplink():
                near_end.close()
            case MuteMicrophone():
                near_end.mute()
            case UnmuteMicrophone():
                near_end.unmute()
            case _:
                assert_never(action)

    def _obey_over_link(self, action: ServiceOrder) -> None:
        service = self._adapters.service
        match action:
            case OpenLink(word=word, resumes=resumes):
                service.open(word, resumes=resumes)
            case CloseLink():
                service.close()
            case TruncateItem(item_id=item_id, content_index=index, heard_ms=heard_ms):
                service.truncate(item_id, index, heard_ms)
            case DeleteItem(item_id=item_id) | DeleteTurn(item_id=item_id):
                service.delete(item_id)
            case ExtendItem(item_id=item_id, heard_ms=heard_to_ms):
                service.extend(item_id, heard_to_ms)
            case CancelResponse(response_id=response_id):
                service.cancel(response_id)
            case SendToolOutput(call_id=call_id, output=output):
                service.send_tool_output(call_id, output)
            case AddNote(text=text):
                service.add_note(text)
            case CreateResponse(may_call_tools=may_call_tools, asking=asking):
                service.create_response(may_call_tools=may_call_tools, instructions=asking)
            case _:
                assert_never(action)
