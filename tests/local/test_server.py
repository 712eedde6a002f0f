"""Which clients may open a session, and how a service misbehaves on purpose."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from edgevoice.errors import LocalServiceUnavailable
from edgevoice.local.behaviour import Behaviour, Nonsense
from edgevoice.local.server import LocalService
from edgevoice.local.speech.recogniser import PhonemeRecogniser
from edgevoice.local.speech.voice import HibariVoice
from tests.local.client import HEADERS, QUERY, dialled, dialled_unix


class Mute:
    def say(self, sentence: str, speed: float) -> bytes:
        return b""


class Deaf:
    def words(self, speech: bytes) -> str:
        return ""


def refused_by(service: LocalService, *, suffix: str = QUERY, headers: dict[str, str] | None = None) -> tuple[int, str]:
    async def scene() -> tuple[int, str]:
        async with service:
            with pytest.raises(InvalidStatus) as refused:
                await connect(service.url + suffix, additional_headers=HEADERS if headers is None else headers)
        response = refused.value.response
        assert response.body is not None
        return response.status_code, json.loads(response.body)["error"]["code"]

    return asyncio.run(scene())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_the_address_of_any_host_can_be_dialled(host: str) -> None:
    async def scene() -> None:
        async with LocalService(host=host, voice=Mute(), recogniser=Deaf()) as service, dialled(service) as client:
            await client.send("input_audio_buffer.clear")
            await client.until("input_audio_buffer.cleared")

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("suffix", "headers", "answer"),
    [
        ("", None, (400, "invalid_request")),
        ("?key=a", None, (400, "invalid_request")),
        ("?key=&protocol=realtime", None, (400, "invalid_request")),
        ("?key=a&protocol=other", None, (400, "invalid_request")),
        ("/more" + QUERY, None, (404, "not_found")),
        (QUERY, {}, (401, "invalid_api_key")),
        (QUERY, {"Authorization": "Basic"}, (401, "invalid_api_key")),
        (QUERY, {"Authorization": "Basic  "}, (401, "invalid_api_key")),
        (QUERY, {"Authorization": "Digest abc"}, (401, "invalid_api_key")),
    ],
)
def test_a_wrong_upgrade_is_refused(suffix: str, headers: dict[str, str] | None, answer: tuple[int, str]) -> None:
    assert refused_by(LocalService(voice=Mute(), recogniser=Deaf()), suffix=suffix, headers=headers) == answer


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("//[", "Authorization: Basic a", 404),
        ("/v1/realtime?model=a&model=%ff%00", "Authorization: Basic a", 101),
        ("/v1/realtime?model=a", "Authorization: Basic a\r\nAuthorization: Basic b", 401),
        ("/v1/realtime?model=a", "Authorization: \xff\xfe", 401),
        ("/v1/realtime?intent=transcription", "Authorization: Bearer a", 101),
        ("/v1/realtime?intent=translation", "Authorization: Bearer a", 400),
        ("/v1/realtime?model=a", "Authorization: Bearer a\r\nOpenAI-Beta: realtime=v1\r\nOpenAI-Beta: x", 101),
    ],
)
def test_an_unusual_upgrade_request_gets_its_status(target: str, headers: str, status: int) -> None:
    async def scene() -> str:
        async with LocalService(voice=Mute(), recogniser=Deaf()) as service:
            port = int(service.url.split(":")[2].split("/")[0])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            lines = [
                f"GET {target} HTTP/1.1",
                "Host: localhost",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
                "Sec-WebSocket-Version: 13",
                headers,
                "\r\n",
            ]
            writer.write("\r\n".join(lines).encode("latin-1"))
            async with asyncio.timeout(10):
                answer = await reader.readline()
            writer.close()
            return answer.decode()

    assert asyncio.run(scene()).split(" ")[1] == str(status)


def test_only_configured_keys_are_accepted_where_any_are_configured() -> None:
    async def scene() -> None:
        async with LocalService(voice=Mute(), recogniser=Deaf(), accept_keys={"good"}) as service:
            for scheme in ("Basic", "Bearer"):
                async with connect(
                    service.url + QUERY, additional_headers={"Authorization": f"{scheme} good"}
                ) as socket:
                    assert json.loads(await socket.recv())["type"] == "session.created"
            with pytest.raises(InvalidStatus, match="401"):
                await connect(service.url + QUERY, additional_headers={"Authorization": "Basic bad"})

    asyncio.run(scene())


@pytest.mark.parametrize("status", [401, 402, 403, 429, 503])
def test_every_scripted_refusal_has_its_status_and_a_json_body(status: int) -> None:
    got, code = refused_by(LocalService(voice=Mute(), recogniser=Deaf(), behaviour=Behaviour(refuse=status)))

    assert got == status
    assert code


def test_a_delayed_upgrade_completes_late() -> None:
    async def scene() -> float:
        slow = Behaviour(delay_open_s=0.2)
        async with LocalService(voice=Mute(), recogniser=Deaf(), behaviour=slow) as service:
            began = asyncio.get_running_loop().time()
            async with connect(service.url + QUERY, additional_headers=HEADERS):
                return asyncio.get_running_loop().time() - began

    assert 0.2 <= asyncio.run(scene()) < 2.0


def test_the_conversation_survives_nonsense_before_every_event(
    voice: HibariVoice, recogniser: PhonemeRecogniser
) -> None:
    async def scene() -> None:
        frames: list[str | bytes] = []
        async with (
            LocalService(voice=voice, recogniser=recogniser, behaviour=Nonsense(), pace=1000.0) as service,
            connect(service.url + QUERY, additional_headers=HEADERS) as socket,
        ):
            await socket.send('{"type":"response.create"}')
            done = False
            while not done:
                async with asyncio.timeout(10):
                    frames.append(await socket.recv())
                done = '"status":"completed","status_details"' in str(frames[-1])

        assert any(isinstance(frame, bytes) for frame in frames)
        broken = 0
        for frame in frames:
            try:
                json.loads(frame)
            except ValueError:
                broken += 1
        assert broken >= 3
        assert "session.created" in str(frames[1])

    asyncio.run(scene())


def test_a_unix_socket_opens_no_port_and_belongs_to_its_owner(tmp_path: Path) -> None:
    async def scene() -> None:
        path = tmp_path / "realtime.sock"
        async with LocalService(voice=Mute(), recogniser=Deaf(), unix_path=path) as service:
            assert path.stat().st_mode & 0o777 == 0o600
            async with dialled_unix(str(path), service.url) as client:
                await client.until("session.created")
            with pytest.raises(OSError):  # noqa: PT011 - the point is that nothing listens
                await connect(service.url + QUERY, additional_headers=HEADERS)

    asyncio.run(scene())


def test_a_port_in_use_is_reported_with_a_remedy() -> None:
    async def scene() -> None:
        async with LocalService(voice=Mute(), recogniser=Deaf()) as service:
            port = int(service.url.split(":")[2].split("/")[0])
            with pytest.raises(LocalServiceUnavailable, match="cannot listen"):
                await LocalService(voice=Mute(), recogniser=Deaf(), port=port).__aenter__()

    asyncio.run(scene())


@pytest.mark.parametrize("package", ["hibari", "hama", "webrtcvad"])
def test_a_missing_package_is_one_clear_error(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (package, f"{package}.asr"):
        monkeypatch.setitem(sys.modules, module, None)

    async def scene() -> None:
        recogniser = Deaf() if package == "hibari" else None
        voice = Mute() if package == "hama" else None
        with pytest.raises(LocalServiceUnavailable) as missing:
            await LocalService(voice=voice, recogniser=recogniser).__aenter__()
        assert package in str(missing.value)
        assert "pip install 'hama==" in missing.value.remedy

    asyncio.run(scene())


def test_a_silent_voice_still_ends_its_response() -> None:
    async def scene() -> None:
        async with LocalService(voice=Mute(), recogniser=Deaf()) as service, dialled(service) as client:
            await client.ask("thank you")
            assert (await client.answered())["status"] == "completed"

    asyncio.run(scene())
