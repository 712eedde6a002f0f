"""Adapters that record their calls. With ``when``, a test makes one of them answer immediately."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from edgevoice.core.facts import ToolCall
from edgevoice.core.orders import Earcon, Light
from edgevoice.engine import Adapters

Told = tuple[object, ...]
"""A method's name and its arguments."""


@dataclass
class Diary:
    """The calls of all fakes, in order; ``when`` holds what happens while an action is executed."""

    told: list[Told] = field(default_factory=list)
    when: dict[str, Callable[[], None]] = field(default_factory=dict)

    def write(self, *told: object) -> None:
        self.told.append(told)
        if (happens := self.when.get(str(told[0]))) is not None:
            happens()


class FakeService:
    """A service that is never reachable."""

    def __init__(self, diary: Diary) -> None:
        self._diary = diary

    def open(self, word: str, *, resumes: bool) -> None:
        self._diary.write("service.open", word, resumes)

    def close(self) -> None:
        self._diary.write("service.close")

    def send_audio(self, pcm: bytes) -> None:
        self._diary.write("service.send_audio", pcm)

    def truncate(self, item_id: str, content_index: int, heard_ms: int) -> None:
        self._diary.write("service.truncate", item_id, content_index, heard_ms)

    def delete(self, item_id: str) -> None:
        self._diary.write("service.delete", item_id)

    def extend(self, item_id: str, heard_ms: int | None) -> None:
        self._diary.write("service.extend", item_id, heard_ms)

    def cancel(self, response_id: str) -> None:
        self._diary.write("service.cancel", response_id)

    def send_tool_output(self, call_id: str, output: str) -> None:
        self._diary.write("service.send_tool_output", call_id, output)

    def add_note(self, text: str) -> None:
        self._diary.write("service.add_note", text)

    def create_response(self, *, may_call_tools: bool, instructions: str = "") -> None:
        self._diary.write("service.create_response", may_call_tools, instructions)


class FakeNearEnd:
    """A microphone in a quiet room."""

    def __init__(self, diary: Diary) -> None:
        self._diary = diary
        self.position = 0

    def keep(self, at_sample: int, *, has_preroll: bool) -> None:
        self._diary.write("near_end.keep", at_sample, has_preroll)

    def mark(self) -> None:
        self._diary.write("near_end.mark")

    def rewind(self) -> None:
        self._diary.write("near_end.rewind")

    def open(self) -> None:
        self._diary.write("near_end.open")

    def silence(self) -> None:
        self._diary.write("near_end.silence")

    def close(self) -> None:
        self._diary.write("near_end.close")

    def mute(self) -> None:
        self._diary.write("near_end.mute")

    def unmute(self) -> None:
        self._diary.write("near_end.unmute")


class FakeFarEnd:
    """A speaker that never plays; ``burst`` is the burst that the next piece of audio begins, if any.

    ``begins_backchannel`` says that the next piece of a backchannel is its first.
    """

    def __init__(self, diary: Diary) -> None:
        self._diary = diary
        self.burst: int | None = None
        self.begins_backchannel = False

    def play(self, item_id: str, content_index: int, pcm: bytes) -> int | None:
        self._diary.write("far_end.play", item_id, content_index, pcm)
        burst, self.burst = self.burst, None
        return burst

    def finish_item(self, item_id: str) -> None:
        self._diary.write("far_end.finish_item", item_id)

    def finish(self) -> None:
        self._diary.write("far_end.finish")

    def cut(self, *, keeps_rest: bool) -> None:
        self._diary.write("far_end.cut", *["keeps rest"] * keeps_rest)

    def resume(self) -> int:
        self._diary.write("far_end.resume")
        return 7

    def drop(self) -> None:
        self._diary.write("far_end.drop")

    def play_backchannel(self, backchannel_id: str, pcm: bytes) -> bool:
        self._diary.write("far_end.play_backchannel", backchannel_id, pcm)
        begins, self.begins_backchannel = self.begins_backchannel, False
        return begins

    def finish_backchannel(self, backchannel_id: str) -> None:
        self._diary.write("far_end.finish_backchannel", backchannel_id)

    def skip_backchannel(self, backchannel_id: str) -> None:
        self._diary.write("far_end.skip_backchannel", backchannel_id)

    def stop_backchannel(self) -> None:
        self._diary.write("far_end.stop_backchannel")

    def duck(self) -> None:
        self._diary.write("far_end.duck")

    def restore(self) -> None:
        self._diary.write("far_end.restore")

    def change_volume(self, percent: int) -> None:
        self._diary.write("far_end.change_volume", percent)

    def play_earcon(self, earcon: Earcon) -> None:
        self._diary.write("far_end.play_earcon", earcon)

    def stop_earcons(self) -> None:
        self._diary.write("far_end.stop_earcons")

    def play_ring(self, clip_id: str, gain_db: float) -> None:
        self._diary.write("far_end.play_ring", clip_id, gain_db)

    def play_clip(self, clip_id: str, *, has_chime: bool) -> None:
        self._diary.write("far_end.play_clip", clip_id, has_chime)

    def cut_clip(self) -> None:
        self._diary.write("far_end.cut_clip")


class FakePanel:
    """Lights that only record the pattern shown."""

    def __init__(self, diary: Diary) -> None:
        self._diary = diary

    def show(self, light: Light, reason: str = "", level: float = 1.0) -> None:
        self._diary.write("panel.show", light, reason)

    def close(self) -> None:
        self._diary.write("panel.close")


class FakeTools:
    """Tools that never answer by themselves."""

    def __init__(self, diary: Diary) -> None:
        self._diary = diary

    def run(self, call: ToolCall) -> None:
        self._diary.write("tools.run", call)

    def abandon(self, call_ids: Collection[str]) -> None:
        self._diary.write("tools.abandon", call_ids)


@dataclass
class Fakes:
    """One fake for every port of the engine, and the diary that they share."""

    diary: Diary = field(default_factory=Diary)

    def __post_init__(self) -> None:
        self.service = FakeService(self.diary)
        self.near_end = FakeNearEnd(self.diary)
        self.far_end = FakeFarEnd(self.diary)
        self.panel = FakePanel(self.diary)
        self.tools = FakeTools(self.diary)

    def adapters(self) -> Adapters:
        return Adapters(self.service, self.near_end, self.far_end, self.panel, self.tools)
