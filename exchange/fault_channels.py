"""Faults of what channels say: between the feeds and their readers."""

from collections.abc import Mapping

from exchange.faults import Fault, Faults

BOOK_FAULTS = (Fault.BOOK_CROSSED, Fault.BOOK_REPEAT, Fault.BOOK_EARLY)
TRADE_FAULTS = (Fault.TRADES_LOST, Fault.TRADES_TWICE, Fault.TRADES_SHUFFLED)


def distort(faults: Faults, channel: str, said: list[object]) -> list[object]:
    """Return what readers get of what a feed said."""
    if not said or not faults.running():
        return said
    if faults.matches(Fault.MUTE, channel):
        return []
    if channel.startswith("book."):
        said = _distort_book(faults, said)
    elif channel.startswith("trades."):
        said = _distort_trades(faults, said)
    if faults.is_on(Fault.ODD_NUMBERS):
        said = [_odd(data) for data in said]
    return said


def _distort_book(faults: Faults, said: list[object]) -> list[object]:
    if faults.is_on(Fault.BOOK_EARLY):
        said = [data for data in said if _field(data, "type") != "snapshot"]
    if faults.is_on(Fault.BOOK_CROSSED):
        said = [_without_deletes(data) for data in said]
    if faults.is_on(Fault.BOOK_REPEAT):
        said = [copy for data in said for copy in (data, data)]
    return said


def _distort_trades(faults: Faults, said: list[object]) -> list[object]:
    if faults.is_on(Fault.TRADES_LOST):
        return []
    if faults.is_on(Fault.TRADES_SHUFFLED):
        said = [list(reversed(batch)) if isinstance(batch, list) else batch for batch in said]
    if faults.is_on(Fault.TRADES_TWICE):
        said = [copy for batch in said for copy in (batch, batch)]
    return said


def _without_deletes(data: object) -> object:
    if not isinstance(data, dict):
        return data
    kept = {
        side: [change for change in data[side] if change[0] != "delete"]
        for side in ("bids", "asks")
        if side in data
    }
    return data | kept


def _odd(data: object) -> object:
    """Return the same news in every shape that JSON and the venue allow."""
    if isinstance(data, list):
        return [_odd(item) for item in data]
    if not isinstance(data, dict):
        return data
    odd: dict[str, object] = {key: _odd_value(key, value) for key, value in data.items()}
    return odd | {"a_field_of_next_year": {"nested": [1e-9, 2**63, None]}}


def _odd_value(key: str, value: object) -> object:
    if key == "stats":
        return dict.fromkeys(("high", "low", "price_change", "volume", "volume_usd"))
    if key == "state":
        return "a_word_of_next_year"
    if key in {"last_price", "settlement_price", "interest_value"}:
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _field(data: object, name: str) -> object:
    return data.get(name) if isinstance(data, Mapping) else None
