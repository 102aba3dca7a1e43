"""Just enough HTTP/1.1 for a JSON API: a request out of bytes, bytes out of a response."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

MAX_HEAD, MAX_BODY = 65_536, 1 << 20
REASONS = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    413: "Content Too Large",
    429: "Too Many Requests",
    503: "Service Unavailable",
}


class HttpError(Exception):
    """Bytes that are no request this server can read; the connection ends after its status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status} {REASONS[status]}")
        self.status = status


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. Header names are lower case; `raw` is all of it, as received."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    raw: bytes

    @property
    def wants_websocket(self) -> bool:
        """Whether the client asks to speak the websocket protocol."""
        return self.headers.get("upgrade", "").lower() == "websocket"

    @property
    def keeps_alive(self) -> bool:
        """Whether another request may follow."""
        return self.headers.get("connection", "").lower() != "close"


def split_request(buffer: bytes) -> tuple[HttpRequest | None, bytes]:
    """Take one whole request off a buffer; None when it is not all there yet."""
    head, separator, rest = buffer.partition(b"\r\n\r\n")
    if not separator:
        if len(buffer) > MAX_HEAD:
            raise HttpError(413)
        return None, buffer
    method, target, headers = _parse_head(head)
    if "transfer-encoding" in headers:
        raise HttpError(411)
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > MAX_BODY:
        raise HttpError(413)
    if len(rest) < int(length):
        return None, buffer
    body, rest = rest[: int(length)], rest[int(length) :]
    url = urlsplit(target)
    query = dict(parse_qsl(url.query))
    raw = head + separator + body
    return HttpRequest(method, url.path, query, headers, body, raw), rest


def encode_response(status: int, body: bytes, *, keep_alive: bool) -> bytes:
    """Write a JSON response."""
    head = (
        f"HTTP/1.1 {status} {REASONS[status]}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
    )
    return head.encode("ascii") + body


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    lines = head.decode("iso-8859-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise HttpError(400)
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise HttpError(400)
        headers[name.strip().lower()] = value.strip()
    return parts[0], parts[1], headers
