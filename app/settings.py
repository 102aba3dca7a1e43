"""Every setting of a running board, read once. Inner packages get plain arguments."""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from dealers.rules import PositionModel

LIVE_URL = "wss://www.deribit.com/ws/api/v2"


class Source(StrEnum):
    """Where the numbers come from, as every body states it."""

    LIVE = "live"  # Deribit production
    TESTNET = "testnet"  # the venue says it is its test exchange
    DEMO = "demo"  # the local exchange: simulated data
    REPLAY = "replay"  # a recording
    CUSTOM = "custom"  # any other address that speaks the protocol


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line, the environment and the defaults decided."""

    source: str = "auto"  # auto | live | demo | replay:PATH | ws:// or wss:// address
    host: str = "127.0.0.1"
    port: int = 8050
    assets: tuple[str, ...] = ("BTC", "ETH")
    data_dir: Path = Path("~/.local/share/gammaflip")
    position: PositionModel = PositionModel.NAIVE
    focus: int = 0  # options near the money whose tickers are followed, per asset
    replay_speed: float = 1.0
    token: str | None = field(default=None, repr=False)
    read_token_required: bool = False
    rate_limit: float = 20.0  # requests a second of one client on another machine; 0: no limit
    allowed_hosts: tuple[str, ...] = ()  # names a proxy or container gives this board
    alert_allow_cidrs: tuple[IPv4Network | IPv6Network, ...] = ()
    embed_origins: tuple[str, ...] = ()  # sites that may frame a panel, beside the board's own
    database_url: str | None = field(default=None, repr=False)
    demo_webhooks: bool = False
