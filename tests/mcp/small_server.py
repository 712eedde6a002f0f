"""A small MCP server without the SDK, which can misbehave: ``small_server.py [WAY]``."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

PROTOCOL = "2025-06-18"
OBJECT: dict[str, Any] = {"type": "object", "properties": {}}


def tool(name: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "description": f"Do {name}.", "inputSchema": OBJECT if schema is None else schema}


def write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def send(**message: Any) -> None:
    write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": words}], **more}


class Server:
    def __init__(self, way: str) -> None:
        self.tools = [tool("echo", {"type": "object", "properties": {"words": {"type": "string"}}}), tool("pid")]
        self.ways: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
            "echo": lambda arguments: text(arguments.get("words", "")),
            "pid": lambda _: text(str(os.getpid())),
            "environment": lambda _: text(json.dumps(dict(os.environ))),
            "hang": lambda _: None,
            "die": lambda _: os._exit(3),
            "large": lambda _: text("x" * 10_000_000),
            "long": lambda _: text("x" * 100_000),
            "refuse": lambda _: text("no such\nplace", isError=True),
            "fail": lambda _: {"code": -32000, "message": "no such place"},
            "picture": lambda _: {"content": [{"type": "image", "data": "aGVsbG8=", "mimeType": "image/png"}]},
            "nonsense": lambda _: {"content": "?"},
            "flood": self.flood,
            "grow": self.grow,
            "shrink": self.shrink,
            "stop": self.stop,
        }
        if way == "odd":
            large = {"type": "object", "properties": {"x": {"description": "d" * 300_000}}}
            self.tools += [
                {"name": "no_schema", "description": "Do it."},
                {**tool("list_as_schema"), "inputSchema": ["words"]},
                tool("words_as_schema", {"type": "object", "properties": {"x": "a text"}}),
                {"inputSchema": OBJECT},
            ]
            self.tools += [tool("n" * 80), tool("???"), tool("with.dots/and slashes"), tool("large_schema", large)]
        else:
            self.tools += [tool(name) for name in self.ways if name not in {"echo", "pid"}]

    def serve(self) -> None:
        for line in sys.stdin:
            message = json.loads(line)
            match message.get("method"):
                case "initialize":
                    about = {"protocolVersion": PROTOCOL, "capabilities": {"tools": {"listChanged": True}}}
                    send(id=message["id"], result={**about, "serverInfo": {"name": "small", "version": "1"}})
                case "tools/list":
                    send(id=message["id"], result={"tools": self.tools})
                case "tools/call":
                    result = self.ways[message["params"]["name"]](message["params"].get("arguments") or {})
                    if result is not None and "code" in result:
                        send(id=message["id"], error=result)
                    elif result is not None:
                        send(id=message["id"], result=result)
                case _ if "id" in message:
                    send(id=message["id"], error={"code": -32601, "message": "no such method"})
                case _:
                    pass

    def flood(self, _: dict[str, Any]) -> None:
        line = json.dumps({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}) + "\n"
        while True:
            write(line * 100)

    def grow(self, _: dict[str, Any]) -> dict[str, Any]:
        self.tools.append(tool("new"))
        send(method="notifications/tools/list_changed")
        return text("grown")

    def shrink(self, _: dict[str, Any]) -> dict[str, Any]:
        self.tools = [each for each in self.tools if each["name"] != "new"]
        send(method="notifications/tools/list_changed")
        return text("shrunk")

    def stop(self, _: dict[str, Any]) -> None:
        """Stop answering anything."""
        threading.Event().wait()


def main(way: str) -> None:
    match way:
        case "sleeping":
            time.sleep(600)
        case "broken":
            key = os.environ.get("NEWS_KEY", "")
            sys.stderr.write(f"starting\n\x1b[31mno such table:\x1b[0m {key[:3]}\x1b[0m{key[3:]}\x1b]0;title\x07\n\n")
            sys.exit(5)
        case "garbage":
            for _ in range(50):
                write("Welcome! \xff {]\n\n")
        case "endless":
            while True:
                write("x" * 65_536)
        case "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            sys.stderr.write("x" * 3_000_000)
            Server(f"stubborn {helper.pid}").serve()
            time.sleep(600)
        case "once":
            # Only the first start works: the file says that it has been.
            place = os.environ["PLACE"]
            if pathlib.Path(place).exists():
                sys.exit(1)
            pathlib.Path(place).open("w").close()
        case _:
            pass
    Server(way).serve()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
