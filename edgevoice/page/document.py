"""The document: one page with its style and its script inside, and the policy that admits nothing else."""

import base64
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

_STYLES: Final = ("page.css", "parts.css")
_SCRIPTS: Final = (
    "connection.js",
    "lights.js",
    "timeline.js",
    "conversation.js",
    "household.js",
    "settings.js",
    "page.js",
)

NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The policy of a response that is no document."""


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes of the page, and its Content-Security-Policy."""

    content: bytes
    policy: str


def document() -> Document:
    """Return the page, put together from its parts: no build, and no request for a second file."""
    style = "".join(_part(name) for name in _STYLES)
    script = f'"use strict";\n(() => {{\n{"".join(_part(name) for name in _SCRIPTS)}}})();\n'
    page = _part("page.html").replace("/* style */", style).replace("/* script */", script)
    policy = (
        f"{NOTHING}; connect-src 'self'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return Document(page.encode(), policy)


def _part(name: str) -> str:
    return files("edgevoice.page").joinpath("static", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
