"""The settings of ``[tools.http.NAME]``: a web service as a tool."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from edgevoice.settings.fields import NotEmpty

_TABLE = Meta(extra={"must_be": "a table"})


class HttpToolSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One tool: what the model sees of it, and the request that a call makes.

    ``{name}`` in ``url`` and ``body`` stands for the argument of that name, ``${NAME}`` in ``url`` and ``headers`` for
    a stored secret. ``parameters`` is a JSON schema. ``result`` is a JSON pointer (RFC 6901) to the part of the
    answer that the model is given.
    """

    description: Annotated[NotEmpty, Meta(extra={"must_be": "a text that is not empty"})]
    url: Annotated[NotEmpty, Meta(extra={"must_be": "an address that begins with http:// or https://"})]
    method: Annotated[
        Literal["GET", "POST", "PUT", "PATCH", "DELETE"],
        Meta(extra={"must_be": '"GET", "POST", "PUT", "PATCH" or "DELETE"'}),
    ] = "GET"
    parameters: Annotated[dict[str, Any], _TABLE] = {}
    headers: Annotated[
        dict[str, str], Meta(extra={"must_be": 'a table of texts, such as {Authorization = "Bearer ${NAME}"}'})
    ] = {}
    body: Annotated[dict[str, Any], _TABLE] | None = None
    result: Annotated[str, Meta(pattern=r"^(/.*)?$", extra={"must_be": 'a JSON pointer, such as "/daily/0"'})] = ""
    timeout_s: Annotated[float, Meta(ge=1, le=600, extra={"must_be": "between 1 and 600 seconds"})] | None = None
    requires_approval: Annotated[bool, Meta(extra={"must_be": "true or false"})] = False

    @property
    def properties(self) -> dict[str, Any]:
        """The schema of each argument, by name."""
        properties: dict[str, Any] = self.parameters.get("properties", {})
        return properties

    @property
    def required(self) -> tuple[str, ...]:
        """The names of the arguments that a call must have."""
        return tuple(self.parameters.get("required", ()))
