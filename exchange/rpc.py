"""The JSON-RPC envelope: requests in, replies, errors and notifications out. No socket."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

ENCODE = orjson.OPT_SERIALIZE_NUMPY

INVALID_PARAMS = "Invalid params"
MAX_COUNT = 1000


class RpcError(Exception):
    """A refusal with the venue's code, message and data."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.data = data


def invalid_params(reason: str, param: str) -> RpcError:
    """Return the refusal of one parameter."""
    return RpcError(-32602, INVALID_PARAMS, {"reason": reason, "param": param})


TOO_MANY_REQUESTS = RpcError(10028, "too_many_requests")
MUST_BE_WEBSOCKET = RpcError(10030, "must_be_websocket_request")
MAINTENANCE = RpcError(11051, "system_maintenance")
UNAUTHORIZED = RpcError(13009, "unauthorized", {"reason": "invalid_token", "param": "token"})
RAW_REFUSED = RpcError(13778, "raw_subscriptions_not_available_for_unauthorized")
BAD_REQUEST = RpcError(11050, "bad_request", {"reason": "invalid json"})
TOO_LARGE = RpcError(-32600, "request entity too large")
METHOD_NOT_FOUND = RpcError(-32601, "Method not found")


@dataclass(frozen=True, slots=True)
class Params:
    """Named parameters; over HTTP GET every value is text."""

    values: Mapping[str, object]

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; without a default it is required."""
        value = self.values.get(name)
        if value is None:
            if default is None:
                raise invalid_params("value is required", name)
            return default
        if not isinstance(value, str):
            raise invalid_params("value must be a string", name)
        return value

    def optional(self, name: str) -> str | None:
        """Return a text or None when it was not given."""
        return None if self.values.get(name) is None else self.text(name)

    def word(self, name: str) -> str:
        """Return a required text that clients also write as a number."""
        value = self.values.get(name)
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return str(value) if is_number else self.text(name)

    def integer(self, name: str, default: int | None = None) -> int:
        """Return an integer, also from its text or a whole float."""
        value = self.values.get(name)
        if value is None:
            if default is None:
                raise invalid_params("value is required", name)
            return default
        try:
            return int(value) if isinstance(value, str | int | float) else _refuse(name)
        except (ValueError, OverflowError) as error:
            raise invalid_params("value must be an integer", name) from error

    def count(self, default: int) -> int:
        """Return how many rows are asked for."""
        count = self.integer("count", default)
        if not 1 <= count <= MAX_COUNT:
            raise invalid_params(f"must be between 1 and {MAX_COUNT}", "count")
        return count

    def offset(self, name: str) -> int:
        """Return how many rows to step over, none when it was not given."""
        offset = self.integer(name, 0)
        if offset < 0:
            raise invalid_params("must not be negative", name)
        return offset

    def flag(self, name: str) -> bool:
        """Return a boolean, false when it was not given."""
        value = self.values.get(name)
        return value is True or value in ("true", "1")

    def texts(self, name: str) -> list[str]:
        """Return a list of texts."""
        value = self.values.get(name)
        if value is None:
            raise invalid_params("value is required", name)
        if not isinstance(value, list):
            raise invalid_params("value must be a list", name)
        return [item for item in value if isinstance(item, str)]


@dataclass(frozen=True, slots=True)
class Request:
    """One decoded request. `request_id` keeps its JSON type; `has_id` tells null from absent."""

    method: str
    params: Params
    request_id: object
    has_id: bool


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a request came in, on the exchange's clock, and which venue answers."""

    us_in: int
    testnet: bool


def decode_request(raw: bytes | str) -> Request:
    """Read one frame or body; whatever cannot be tied to a request raises `BAD_REQUEST`."""
    try:
        message = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BAD_REQUEST from error
    if not isinstance(message, dict):
        raise BAD_REQUEST
    return request_from(message)


def request_from(message: Mapping[str, object], method: str | None = None) -> Request:
    """Build a request from a decoded body; `method` from the path wins over the body's."""
    name = method or message.get("method")
    params = message.get("params")
    if not isinstance(name, str):
        raise BAD_REQUEST
    values = params if isinstance(params, dict) else {}
    return Request(name, Params(values), message.get("id"), "id" in message)


def encode_result(request: Request, result: object, stamp: Stamp, us_out: int) -> bytes:
    """Write a reply."""
    return _encode(request, {"result": result}, stamp, us_out)


def encode_error(request: Request | None, error: RpcError, stamp: Stamp, us_out: int) -> bytes:
    """Write a refusal; one that belongs to no request carries no id."""
    body: dict[str, object] = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return _encode(request, {"error": body}, stamp, us_out)


def encode_notification(channel: str, data: object) -> bytes:
    """Write one push of a channel."""
    return orjson.dumps(
        {
            "jsonrpc": "2.0",
            "method": "subscription",
            "params": {"channel": channel, "data": data},
        },
        option=ENCODE,
    )


def encode_heartbeat(kind: str) -> bytes:
    """Write a heartbeat push: `heartbeat` or `test_request`."""
    return orjson.dumps({"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": kind}})


def _encode(
    request: Request | None, payload: dict[str, object], stamp: Stamp, us_out: int
) -> bytes:
    envelope: dict[str, object] = {"jsonrpc": "2.0"}
    if request is not None and request.has_id:
        envelope["id"] = request.request_id
    envelope |= payload
    envelope |= {
        "usIn": stamp.us_in,
        "usOut": us_out,
        "usDiff": us_out - stamp.us_in,
        "testnet": stamp.testnet,
    }
    return orjson.dumps(envelope, option=ENCODE)


def _refuse(name: str) -> int:
    raise invalid_params("value must be an integer", name)
