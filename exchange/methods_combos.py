"""Methods about combos: which exist, and their legs."""

from exchange.call import Call
from exchange.instruments import Instrument, Wire
from exchange.rpc import invalid_params


def get_combos(call: Call) -> object:
    """List the combos of a currency with their legs."""
    return [_encode(combo) for combo in _of_currency(call)]


def get_combo_ids(call: Call) -> object:
    """List the names of the combos of a currency."""
    if call.params.text("state", "active") != "active":
        return []
    return [combo.name for combo in _of_currency(call)]


def get_combo_details(call: Call) -> object:
    """Show one combo."""
    combo = call.state.combos.get(call.params.text("combo_id"))
    if combo is None:
        raise invalid_params("combo not found", "combo_id")
    return _encode(combo)


def _of_currency(call: Call) -> list[Instrument]:
    currency = call.params.text("currency")
    combos = sorted(call.state.combos.values(), key=lambda combo: combo.name)
    return [combo for combo in combos if currency in {"any", combo.currency}]


def _encode(combo: Instrument) -> Wire:
    return {
        "id": combo.name,
        "state": "active",
        "legs": [
            {"amount": leg.ratio, "instrument_name": leg.instrument_name} for leg in combo.legs
        ],
        "instrument_id": combo.instrument_id,
        "creation_timestamp": combo.created_ms,
        "state_timestamp": combo.created_ms,
    }
