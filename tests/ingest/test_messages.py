"""Every message kind of the lean plan, in the shape that recordings have."""

import json
import math
from pathlib import Path

import msgspec
import pytest

from dealers.tape import AggressorSide, Liquidation
from greeks.conventions import Settlement
from ingest import messages, wire
from ingest.events import Kind

DATA = Path(__file__).parents[1] / "data" / "deribit"


def raw_result(name: str) -> msgspec.Raw:
    return wire.decode_envelope((DATA / f"{name}.json").read_bytes()).result


def raw_data(name: str) -> msgspec.Raw:
    params = wire.decode_envelope((DATA / f"{name}.json").read_bytes()).params
    assert params is not None
    return params.data


def test_an_inverse_option_keeps_its_fields_not_its_name() -> None:
    rows, rejected = wire.decode_rows(raw_result("instruments_option"), wire.WireInstrument)
    call = messages.parse_instrument(rows[0])
    assert rejected == 0
    assert call is not None
    assert (call.asset, call.settlement, call.strike, call.is_call) == (
        "BTC",
        Settlement.INVERSE,
        90_000.0,
        True,
    )


def test_a_decimal_strike_comes_from_the_field() -> None:
    rows, _ = wire.decode_rows(raw_result("instruments_linear"), wire.WireInstrument)
    option = messages.parse_instrument(rows[0])
    assert option is not None
    assert option.settlement == Settlement.LINEAR
    assert option.strike == 1.25


def test_a_perpetual_is_a_future_without_term() -> None:
    rows, _ = wire.decode_rows(raw_result("instruments_future"), wire.WireInstrument)
    dated, perpetual = map(messages.parse_instrument, rows)
    assert dated is not None
    assert perpetual is not None
    assert (dated.kind, dated.is_perpetual) == (Kind.FUTURE, False)
    assert perpetual.is_perpetual


def test_volatility_is_a_fraction_in_marks_and_percent_in_summaries() -> None:
    marks, _ = wire.decode_rows(raw_data("markprice_options"), wire.WireMark)
    rows, _ = wire.decode_rows(raw_result("book_summary"), wire.WireSummary)
    assert messages.parse_mark(marks[0]).iv == 0.463
    assert messages.parse_summary(rows[0]).mark_iv == 0.4625


def test_null_is_unknown_and_never_zero() -> None:
    rows, _ = wire.decode_rows(raw_result("book_summary"), wire.WireSummary)
    summary = messages.parse_summary(rows[0])
    assert math.isnan(summary.ask_price)
    assert summary.bid_price == 0.0115


def test_zero_is_an_empty_side_in_a_ticker() -> None:
    ticker = messages.parse_option_ticker(
        wire.decode_one(raw_data("ticker_option"), wire.WireTicker)
    )
    assert math.isnan(ticker.summary.ask_price)
    assert math.isnan(ticker.ask_iv)
    assert ticker.bid_iv == pytest.approx(0.451, rel=1e-15)


def test_the_word_expired_in_a_number_field_that_we_do_not_read_is_harmless() -> None:
    ticker = wire.decode_one(raw_data("ticker_option_expired"), wire.WireTicker)
    assert messages.parse_option_ticker(ticker).summary.mark_iv == 2.5


def test_a_trade_keeps_side_block_and_liquidation() -> None:
    rows, _ = wire.decode_rows(raw_data("trades_option"), wire.WireTrade)
    plain, block = map(messages.parse_trade, rows)
    assert plain is not None
    assert block is not None
    assert (plain.side, plain.amount_coin, plain.block_trade_id) == (AggressorSide.BUY, 1.5, None)
    assert (block.side, block.liquidation, block.block_rfq_id) == (
        AggressorSide.SELL,
        Liquidation.TAKER,
        "51234",
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [("strike", 0.0), ("strike", -1.0), ("strike", 1e308), ("strike", None),
     ("option_type", "x"), ("expiration_timestamp", 10**18), ("expiration_timestamp", 0)],
)  # fmt: skip
def test_an_option_that_cannot_be_is_rejected_and_its_neighbours_live(
    field: str, value: object
) -> None:
    rows, _ = wire.decode_rows(raw_result("instruments_option"), wire.WireInstrument)
    setattr(rows[0], field, value)
    kept, rejected = messages.parse_instruments(rows)
    assert (len(kept), rejected) == (len(rows) - 1, 1)


def test_one_bad_row_is_rejected_and_its_neighbours_live() -> None:
    rows = json.loads(bytes(raw_data("markprice_options")))
    broken = json.dumps([rows[0], {"iv": "high"}, 7, None, rows[1]]).encode()
    marks, rejected = wire.decode_rows(msgspec.Raw(broken), wire.WireMark)
    assert (len(marks), rejected) == (2, 3)


@pytest.mark.parametrize(
    "frame",
    [b"", b"{", b"[]", b"7", b"\xff\xfe", b'{"params": 3}', b"[" * 100_000, '{"id": [1]}'],
)
def test_what_is_no_frame_is_a_protocol_error_that_keeps_it(frame: bytes | str) -> None:
    with pytest.raises(wire.ProtocolError) as caught:
        wire.decode_envelope(frame)
    assert caught.value.payload == frame
