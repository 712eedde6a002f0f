"""An invalid value in any field of an event never costs the event's other fields."""

import base64
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from edgevoice.core.protocol import lenient, wire
from edgevoice.core.protocol.downlink import Downlink
from edgevoice.core.protocol.lenient import MOST_ARGUMENTS, MOST_ID_LETTERS

DATA = Path(__file__).parents[2] / "data"
EVENTS = [json.loads(line) for line in (DATA / "server-events.jsonl").read_text().splitlines()]
EVENTS += [json.loads(line) for line in (DATA / "errors.jsonl").read_text().splitlines()]
EVENTS += [
    {
        "type": "response.done",
        "usage": {"total_tokens": 3},
        "response": {
            "id": "r1",
            "status": "completed",
            "output": [{"type": "function_call", "id": "f1", "call_id": "c1", "name": "stop", "arguments": "{}"}],
        },
    },
    {"type": "error", "message": "said above", "error": {"type": "t", "code": "c", "message": "m", "param": "p"}},
]
EVENTS = [event for event in EVENTS if "type" in event]
OLDER = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "conversation.item.added": "conversation.item.created",
}
EVENTS += [{**event, "type": OLDER[event["type"]]} for event in EVENTS if event["type"] in OLDER]

Path_ = tuple[str | int, ...]


def places(holder: Any, above: Path_ = ()) -> Iterator[Path_]:
    """Yield the path to every field of an event, whether it is used or not."""
    for key, value in holder.items() if isinstance(holder, dict) else enumerate(holder):
        yield (*above, key)
        if isinstance(value, dict | list):
            yield from places(value, (*above, key))


FIELDS = [(number, place) for number, event in enumerate(EVENTS) for place in places(event) if place != ("type",)]

ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(max_size=9)
    | st.sampled_from([0.0, 1.0, 7, "", "1", "abc", "\ud83d", "\x00", 2**70, -1]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


def replaced(event: dict[str, Any], place: Path_, value: object) -> dict[str, Any]:
    changed: dict[str, Any] = json.loads(json.dumps(event))
    holder: Any = changed
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    return changed


def meaning(event: wire.ServerEvent) -> dict[Path_, object]:
    """Return everything that was read from an event, keyed by its path."""

    def read(value: object, above: Path_) -> Iterator[tuple[Path_, object]]:
        if isinstance(value, msgspec.Struct):
            for name in value.__struct_fields__:
                yield from read(getattr(value, name), (*above, name))
            if isinstance(value, wire.Response):
                for number, item in enumerate(value.items()):
                    yield from read(item, (*above, "output", number))
        elif not isinstance(value, msgspec.Raw):
            yield above, value

    return dict(read(event, ()))


def is_audio(event: dict[str, Any], place: Path_) -> bool:
    return place == ("delta",) and ".audio.delta" in event["type"].replace("output_audio", "audio")


@given(field=st.sampled_from(FIELDS), value=ODD)
def test_a_field_of_any_json_type_does_not_spoil_the_other_fields(field: tuple[int, Path_], value: object) -> None:
    number, place = field
    event = EVENTS[number]
    try:
        read = wire.decode(json.dumps(replaced(event, place, value)))
    except wire.WireError:
        assert is_audio(event, place), "nothing but audio that is no audio is refused"
        return
    whole = wire.decode(json.dumps(event))

    assert type(read) is type(whole)
    others = {way: kept for way, kept in meaning(whole).items() if way[: len(place)] != place}
    after = meaning(read)
    # An item that is no longer valid is left out; later ones move up.
    is_item = len(place) == 3 and place[1] == "output"
    assert {way: after.get(way) for way in others} == others or is_item
    Downlink().take(read)


def test_every_event_and_every_used_field_is_tried() -> None:
    tried = {(EVENTS[number]["type"], place) for number, place in FIELDS}
    for event in EVENTS:
        read = wire.decode(json.dumps(event))
        if isinstance(read, wire.Unknown):
            continue
        assert type(read) in {type(wire.decode(json.dumps({"type": kind}))) for kind, _ in tried}
    assert {event["type"] for event in EVENTS} >= set(wire._SHAPES)


# --- each kind of field and its values --------------------------------------------------------------------------------


def read(value: object, **others: object) -> Any:
    return wire.decode(json.dumps({"type": value, **others}))


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        (17, "17"),
        ("17", "17"),
        (1.0, "1"),
        (2.0**53 - 1, "9007199254740991"),
        (2.0**53, ""),
        (0, "0"),
        (-3, "-3"),
        (1.5, ""),
        (1e300, ""),
        (True, ""),
        ([], ""),
    ],
)
def test_an_id_that_is_a_number_is_its_text_and_any_other_is_absent(sent: object, taken: str) -> None:
    event = read("response.output_audio.delta", response_id=sent, item_id=sent, delta="AAAA")

    assert event == wire.AudioDelta(response_id=taken, item_id=taken, delta=bytes(3))


@pytest.mark.parametrize(
    ("sent", "taken"),
    [("0" * 63 + "1", 1), ("0" * 64 + "1", 0), ("2147483647", 2**31 - 1), ("2147483648", 0),
     (1.0, 1), ("1", 1), ("1.0", 1), (1, 1), (0.5, 0), (-1, 0), (2**31 - 1, 2**31 - 1), (2**31, 0), (1e308, 0),
     (math.inf, 0), ("one", 0), ("", 0), ([1], 0), ("1" * 65, 0), ("-", 0)],
)  # fmt: skip
def test_an_index_may_be_any_form_of_a_whole_number(sent: object, taken: int) -> None:
    event = read("response.output_audio.delta", content_index=sent, item_id="i", delta="AAAA")

    assert event == wire.AudioDelta(content_index=taken, item_id="i", delta=bytes(3))


@pytest.mark.parametrize(
    ("sent", "code", "text"),
    [
        ({"code": 429, "message": "slow down"}, "429", "slow down"),
        ({"code": {}, "type": "server_error", "message": 7}, "server_error", "7"),
        ("out of order", "", "out of order"),
        ("", "", ""),
        (["out of order"], "", ""),
        (None, "", ""),
    ],
)
def test_an_error_is_read_whatever_it_is(sent: object, code: str, text: str) -> None:
    event = read("error", error=sent, event_id=7)

    assert (event.code, event.text) == (code, text)


PCM = bytes(range(250)) * 4


@pytest.mark.parametrize(
    "encoded",
    [
        base64.b64encode(PCM).decode(),
        base64.encodebytes(PCM).decode(),
        base64.encodebytes(PCM).decode().replace("\n", "\r\n"),
        " " + base64.b64encode(PCM).decode() + " \t",
        base64.b64encode(PCM).decode().rstrip("="),
        base64.b64encode(PCM).decode().rstrip("=") + "\n",
        base64.urlsafe_b64encode(PCM).decode(),
    ],
)
@pytest.mark.parametrize("kind", ["response.output_audio.delta", "response.backchannel.audio.delta"])
def test_base64_may_be_broken_into_lines_unpadded_or_of_the_url_kind(kind: str, encoded: str) -> None:
    assert read(kind, delta=encoded).delta == PCM


@pytest.mark.parametrize(
    ("encoded", "pcm"), [("A A A", bytes(2)), ("AA\n", bytes(1)), ("AAAX\n", b"\0\0\x17"), ("XXXX\n", b"]u\xd7")]
)
def test_incomplete_base64_is_read_as_far_as_it_goes(encoded: str, pcm: bytes) -> None:
    assert read("response.output_audio.delta", delta=encoded).delta == pcm


@pytest.mark.parametrize("sent", ["AAAAA", "AA=AAAA=", "äöü", "AA\u0000A", "AAAA!", 5, ["AAAA"], {"pcm": "AAAA"}, True])
def test_invalid_audio_is_refused(sent: object) -> None:
    with pytest.raises(wire.WireError):
        read("response.output_audio.delta", delta=sent)


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ('{"on":true}', '{"on":true}'),
        ({"on": True}, '{"on": true}'),
        (None, None),
        ([1, "two"], '[1, "two"]'),
        (7, "7"),
        (False, "false"),
        ("", ""),
    ],
)
def test_arguments_that_are_already_json_are_accepted(sent: object, taken: str | None) -> None:
    event = read("response.function_call_arguments.done", call_id="c", arguments=sent)

    assert event == wire.ArgumentsDone(call_id="c", arguments=taken)


def test_half_characters_and_invalid_utf_8_in_arguments_become_replacement_characters() -> None:
    event = wire.decode(
        b'{"type":"response.function_call_arguments.done","call_id":"c\xff","name":7,"arguments":{"a":"\xff"}}'
    )

    assert event == wire.ArgumentsDone(call_id="c\ufffd", name="7", arguments='{"a":"\ufffd"}')


def test_half_a_character_in_the_text_of_a_frame_loses_no_word() -> None:
    cut = '{"type":"response.output_audio_transcript.delta","item_id":"a","delta":"well \ud83d"}'

    event = wire.decode(cut)

    assert isinstance(event, wire.TranscriptDelta)
    assert event.delta is not None
    assert event.delta.startswith("well \ufffd")


def test_half_a_character_at_the_end_of_a_delta_loses_no_word() -> None:
    cut = '{"type":"response.output_audio_transcript.delta","item_id":"a","delta":"well \\ud83d"}'

    assert wire.decode(cut) == wire.TranscriptDelta(item_id="a", delta="well \ufffd")


def test_frames_that_only_the_strict_parser_refuses_are_read() -> None:
    completed = '\ufeff{"type":"response.done","response":{"id":"r","a":NaN,"b":-Infinity,"c":"line\nend"}}'

    assert wire.decode(completed.encode()) == wire.ResponseDone(response=wire.Response(id="r"))


def test_frames_that_are_expensive_to_read_twice_are_not() -> None:
    begin, end = '{"type":"response.done","a":NaN,"b":"', '"}'
    assert wire.decode(begin + "b" * (32_768 - len(begin) - len(end)) + end) == wire.ResponseDone()
    with pytest.raises(wire.WireError):
        wire.decode(begin + "b" * (32_769 - len(begin) - len(end)) + end)


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"a": 1, "b": 2.0, "c": True, "d": "3", "e": {}, "f": 0.5, "g": -1, "h": 2**80}, {"a": 1, "b": 2, "d": 3}),
        ({"n" * 513: 1}, {}),
        ({"n" * 512: 1}, {"n" * 512: 1}),
        ({"a": 1, "b": "b" * (16_384 - len('{"a": 1, "b": ""}'))}, {"a": 1}),
        ({"a": 1, "b": "b" * (16_385 - len('{"a": 1, "b": ""}'))}, {}),
        ([], {}),
        (7, {}),
        ({str(number): number for number in range(99)}, {str(number): number for number in range(32)}),
        ({"a": 1, "b": "b" * 20_000}, {}),
    ],
)
def test_only_the_whole_numbers_of_usage_are_read(usage: object, counted: dict[str, int]) -> None:
    assert read("response.done", response={"usage": usage}).counts() == counted
    assert read("response.done", response={"usage": []}, usage=usage).counts() == counted


# --- what is too large ------------------------------------------------------------------------------------------------

LONG = "i" * (MOST_ID_LETTERS + 1)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "conversation.item.added", "item": {"id": LONG}},
        {"type": "response.created", "response": {"id": LONG}},
        {"type": "response.output_audio.delta", "item_id": LONG},
        {"type": "input_audio_buffer.committed", "previous_item_id": LONG},
        {"type": "response.function_call_arguments.done", "name": LONG, "arguments": {}},
    ],
)
def test_an_excessively_long_id_ends_the_session(event: dict[str, object]) -> None:
    with pytest.raises(
        wire.LimitExceeded, match=rf"^a {event['type']} event with an id of 513 characters$".replace(".", r"\.")
    ):
        wire.decode(json.dumps(event))


def test_the_longest_allowed_id_is_accepted() -> None:
    odd = {"id": LONG[:-1], "status": 7}
    assert read("response.created", response=odd).response.id == LONG[:-1], "beside a field of another type, too"
    assert read("response.created", response={"id": LONG[:-1]}) == (
        wire.ResponseCreated(response=wire.Response(id=LONG[:-1]))
    )


@pytest.mark.parametrize("arguments", ["a" * 100_000, ["a" * 100_000]])
def test_enough_of_excessive_arguments_is_kept_to_report_them_to_the_model(arguments: object) -> None:
    event = read("response.function_call_arguments.done", call_id="c", arguments=arguments)

    assert len(event.arguments) == MOST_ARGUMENTS + 1 == 65_537


def test_a_response_holds_a_limited_number_of_items() -> None:
    assert len(read("response.done", response={"output": [{}] * 64}).response.items()) == 64
    with pytest.raises(wire.LimitExceeded, match=r"^a list of 65 values$"):
        read("response.done", response={"output": [{}] * 65}).response.items()
    with pytest.raises(wire.LimitExceeded, match=r"^a list of 50001 values$"):
        read("response.done", response={"output": [0] * 50_001}).response.items()
    with pytest.raises(wire.LimitExceeded, match=r"^a list with 50001 commas$"):
        read("response.done", response={"output": [0] * 50_002}).response.items()
    assert read("response.done", response={"output": {"id": "i"}}).response.items() == []


def test_an_excessively_long_id_in_an_item_of_a_response_ends_the_session() -> None:
    with pytest.raises(wire.LimitExceeded):
        read("response.done", response={"output": [{"call_id": LONG}]}).response.items()


MEBIBYTE = 2**20


@pytest.mark.parametrize("as_bytes", [False, True])
def test_only_audio_may_be_large(*, as_bytes: bool) -> None:
    def frame(kind: str, **fields: object) -> str | bytes:
        text = json.dumps({"type": kind, **fields})
        return text.encode() if as_bytes else text

    large = base64.b64encode(bytes(MEBIBYTE)).decode()
    assert wire.decode(frame("response.output_audio.delta", delta=large)) == wire.AudioDelta(delta=bytes(MEBIBYTE))
    backchannel = frame("response.backchannel.audio.delta", delta=large)
    assert wire.decode(backchannel) == wire.BackchannelDelta(delta=bytes(MEBIBYTE))
    for other in (
        frame("conversation.item.added", item={"id": large}),
        frame("unheard.of", delta=large),
        frame("unheard.of", delta=large, also="response.output_audio.delta"),
        frame("response.done", also="response.output_audio.delta", response={"output": [large]}),
        frame("unheard.of", before=large, also="response.output_audio.delta", after=large),
        "[" * (MEBIBYTE + 1),
        *([] if as_bytes else ["\ud800" * (MEBIBYTE + 1)]),
    ):
        with pytest.raises(wire.LimitExceeded, match=r"bytes without audio$"):
            wire.decode(other)


def test_base64_in_lines_is_read_up_to_four_mebibytes() -> None:
    pcm = bytes(2 * MEBIBYTE)

    assert read("response.output_audio.delta", delta=base64.encodebytes(pcm).decode()).delta == pcm
    with pytest.raises(wire.LimitExceeded, match=r"^a frame of \d+ bytes that is not the protocol to the letter$"):
        read("response.output_audio.delta", delta=base64.encodebytes(2 * pcm).decode())


@pytest.mark.parametrize("kind", ["response.output_audio.delta", "response.backchannel.audio.delta"])
def test_a_strictly_valid_frame_may_be_as_large_as_any_service_sends(kind: str) -> None:
    pcm = bytes(4 * MEBIBYTE)

    assert read(kind, delta=base64.b64encode(pcm).decode()).delta == pcm
    assert 15 * MEBIBYTE < wire.LARGEST_AUDIO_FRAME <= 16 * MEBIBYTE


def test_a_frame_that_is_not_may_have_exactly_four_mebibytes() -> None:
    begin, end = '{"type":"response.output_audio.delta","content_index":0.0,"delta":"', '"}'
    letters = (4 * MEBIBYTE - len(begin) - len(end)) // 4 * 4
    frame = (begin + "A" * letters + end).ljust(4 * MEBIBYTE)

    assert wire.decode(frame) == wire.AudioDelta(delta=bytes(letters // 4 * 3))
    with pytest.raises(wire.LimitExceeded, match="to the letter"):
        wire.decode(frame + " ")


@pytest.mark.parametrize("is_at_the_end", [False, True])
def test_the_type_of_a_large_frame_is_in_its_first_or_last_4096_characters(*, is_at_the_end: bool) -> None:
    kind = '"response.output_audio.delta"'
    large = '"delta":"' + "A" * MEBIBYTE + '"'

    def frame(letters: int) -> str:
        """Return an event whose type takes this many characters, at one end of the event."""
        if is_at_the_end:
            return f'{{{large},"type":{kind}' + "}".rjust(letters - len(kind))
        return "{" + '"type":'.ljust(letters - len(kind) - 1) + f"{kind},{large}}}"

    assert wire.decode(frame(4096)) == wire.AudioDelta(delta=bytes(MEBIBYTE // 4 * 3))
    with pytest.raises(wire.LimitExceeded, match="without audio"):
        wire.decode(frame(4097))


def test_any_frame_of_a_mebibyte_is_accepted() -> None:
    begin, end = '{"type":"unheard.of","x":"', '"}'
    frame = begin + "x" * (MEBIBYTE - len(begin) - len(end)) + end

    assert wire.decode(frame) == wire.Unknown("unheard.of")
    with pytest.raises(wire.LimitExceeded):
        wire.decode(frame + " ")


def test_absent_fields_keep_their_defaults() -> None:
    shape = lenient.Shape(wire.Item)

    assert shape.read("{}") == wire.Item()
    assert shape.read('{"id":null,"name":[]}') == wire.Item()


@pytest.mark.parametrize(
    ("written", "read"), [(b'{"a": 1}', '{"a": 1}'), (b"[1]", None), (b"null", None), (b'{"a":', None)]
)
def test_only_an_object_is_read_as_the_text_of_an_object(written: bytes, read: str | None) -> None:
    assert lenient.object_text(msgspec.Raw(written)) == read
