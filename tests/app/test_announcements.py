"""The line that a command prints once it listens: an address to copy, and what its data is."""

from pathlib import Path

import pytest

from app.__main__ import announce_exchange
from exchange.config import ExchangeConfig


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (ExchangeConfig(), "ws://127.0.0.1:9/ws/api/v2 (simulated data)"),
        (ExchangeConfig(host="::1"), "ws://[::1]:9/ws/api/v2 (simulated data)"),
        (ExchangeConfig(replay=Path("chains")), "ws://127.0.0.1:9/ws/api/v2 (recorded chains)"),
        (ExchangeConfig(certificate=Path("a.pem")), "wss://127.0.0.1:9/ws/api/v2 (simulated data)"),
    ],
)
def test_an_exchange_says_where_it_listens_and_what_its_data_is(
    config: ExchangeConfig, words: str
) -> None:
    assert announce_exchange(config, 9) == f"gammaflip exchange: {words}"
