"""Debian's Chromium, driven over its DevTools protocol: as much of it as the page's tests need."""

import asyncio
import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect

PROGRAM: Final = shutil.which("chromium")
_START_S: Final = 40.0
_LIMIT_S: Final = 15.0
_FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
)


@contextmanager
def browser() -> Iterator[str]:
    """Run a browser until the block ends; yield the address of its DevTools."""
    assert PROGRAM is not None
    with tempfile.TemporaryDirectory(prefix="ev-browser-", ignore_cleanup_errors=True) as folder:
        port = Path(folder) / "DevToolsActivePort"
        with subprocess.Popen(
            [PROGRAM, *_FLAGS, f"--user-data-dir={folder}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                deadline = time.monotonic() + _START_S
                while not (port.exists() and port.read_text().count("\n")):
                    assert time.monotonic() < deadline, "Chromium does not start"
                    assert process.poll() is None, "Chromium has ended"
                    time.sleep(0.02)
                number, path = port.read_text().split()
                yield f"ws://127.0.0.1:{number}{path}"
            finally:
                process.terminate()
                process.wait(timeout=20)


class Tab:
    """A tab of a browser with cookies of its own; ``errors`` are what its console complained of."""

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._session = ""
        self.errors: list[str] = []

    async def open(self, width: int, height: int, *, is_phone: bool, is_dark: bool) -> None:
        """Open the tab, of a size in CSS pixels."""
        context = await self.send("Target.createBrowserContext")
        target = await self.send("Target.createTarget", url="about:blank", browserContextId=context["browserContextId"])
        attached = await self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.send(f"{domain}.enable")
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=is_phone
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        await self.send("Emulation.setEmulatedMedia", features=[scheme])

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command, and return its result."""
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        message = {"id": number, "method": method, "params": parameters}
        await self._wire.send(json.dumps(message | ({"sessionId": self._session} if self._session else {})))
        async with asyncio.timeout(_LIMIT_S):
            return await answer

    async def read(self) -> None:
        """Take what the browser sends, until cancelled."""
        async for message in self._wire:
            found = json.loads(message)
            if "id" in found:
                self._waiting.pop(found["id"]).set_result(found.get("result", found))
            elif found["method"] == "Runtime.exceptionThrown":
                self.errors.append(str(found["params"]["exceptionDetails"]))
            elif found["method"] == "Log.entryAdded" and found["params"]["entry"]["level"] == "error":
                self.errors.append(found["params"]["entry"]["text"])

    async def go(self, address: str) -> None:
        """Open an address, and wait until its document is there, also where the same address is open already."""
        await self.send("Page.navigate", url="about:blank")
        await self.until("location.href === 'about:blank'")
        await self.send("Page.navigate", url=address)
        await self.until(f"location.href === {json.dumps(address)} && document.readyState === 'complete'")

    async def reload(self) -> None:
        """Load the page again, and wait until it is there."""
        await self.go(str(await self.run("location.href")))

    async def set_cookie(self, address: str, value: str) -> None:
        """Store the page's cookie, as the page does."""
        cookie = {"name": "edgevoice", "value": value, "httpOnly": True, "sameSite": "Strict"}
        assert (await self.send("Network.setCookie", url=address, **cookie))["success"]

    async def run(self, script: str) -> Any:
        """Return the value of an expression of JavaScript, awaited."""
        result = await self._evaluate(script)
        assert "result" in result, result["error"]
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def until(self, script: str) -> Any:
        """Wait until an expression of JavaScript is true; return it."""
        deadline = time.monotonic() + _LIMIT_S
        while True:
            result = await self._evaluate(script)
            assert "exceptionDetails" not in result, result["exceptionDetails"]
            # An error: the document was replaced by the next one, in which the expression is evaluated again.
            if found := result.get("result", {}).get("value"):
                return found
            assert time.monotonic() < deadline, f"it did not come true: {script}; {self.errors}"
            await asyncio.sleep(0.02)

    async def _evaluate(self, script: str) -> dict[str, Any]:
        return await self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )

    async def text(self, selector: str) -> str:
        """Return what an element says."""
        return str(await self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    async def click(self, selector: str) -> None:
        """Press a button."""
        await self.run(f"document.querySelector({json.dumps(selector)}).click()")

    async def type(self, selector: str, text: str) -> None:
        """Write into a field."""
        place = f"document.querySelector({json.dumps(selector)})"
        await self.run(f"{place}.focus(); {place}.value = ''")
        await self.send("Input.insertText", text=text)

    async def enter(self, name: str, value: str) -> None:
        """Give a field another value, as a person who types or drags it."""
        place = f"document.getElementById({json.dumps(name)})"
        await self.run(f"{place}.value = {json.dumps(value)}; {place}.dispatchEvent(new Event('input'))")

    async def press(self, key: str, code: str = "") -> None:
        """Press a key of the keyboard."""
        given = {"key": key, "code": code or key, "windowsVirtualKeyCode": {"Tab": 9, "Enter": 13, " ": 32}.get(key, 0)}
        text = {"Enter": "\r", " ": " "}.get(key)
        await self.send("Input.dispatchKeyEvent", type="keyDown", **given, **({"text": text} if text else {}))
        await self.send("Input.dispatchKeyEvent", type="keyUp", **given)

    async def picture(self, place: Path, *, is_whole: bool = False) -> None:
        """Save what the tab shows as a PNG."""
        shot = await self.send(
            "Page.captureScreenshot",
            format="png",
            captureBeyondViewport=is_whole,
            **await self._clip(is_whole=is_whole),
        )
        await asyncio.to_thread(_save, place, base64.b64decode(shot["data"]))

    async def _clip(self, *, is_whole: bool) -> dict[str, Any]:
        if not is_whole:
            return {}
        size = (await self.send("Page.getLayoutMetrics"))["cssContentSize"]
        return {"clip": {**size, "x": 0, "y": 0, "scale": 1}}


def _save(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


@asynccontextmanager
async def tab(devtools: str, *, width: int = 390, height: int = 844, is_dark: bool = False) -> AsyncIterator[Tab]:
    """Open a tab until the block ends; by default of a phone's size."""
    async with connect(devtools, max_size=None, compression=None) as wire:
        opened = Tab(wire)
        reading = asyncio.ensure_future(opened.read())
        try:
            await opened.open(width, height, is_phone=width < 600, is_dark=is_dark)
            yield opened
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
