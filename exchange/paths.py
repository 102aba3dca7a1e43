"""How each coin moves: a seeded random walk, or a script. Knows no instrument."""

import math
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from exchange.config import IndexPoint
from exchange.specs import AssetSpec
from greeks.conventions import DAYS_PER_YEAR, MS_PER_YEAR

CORRELATION = 0.85
"""Share of every coin's move that is common to all."""
VOL_RETURN_BETA = -1.2
"""A fall of one per cent lifts the volatility level by this many per cent."""
HOUR_MS = 3_600_000


@dataclass(slots=True)
class CoinPath:
    """Where one coin stands: spot and the slow levels around it."""

    asset: AssetSpec
    spot: float
    vol_level: float  # 30-day at-the-money volatility
    basis: float  # yearly rate of the dated futures over the index
    premium: float  # of the perpetual over the index, fraction
    script: tuple[tuple[float, float], ...] = ()  # (ms, price), rising


class IndexPaths:
    """Moves all coins together, one step at a time."""

    def __init__(
        self, assets: tuple[AssetSpec, ...], script: tuple[IndexPoint, ...], start_ms: int,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self._rng = rng
        self.coins: dict[str, CoinPath] = {}
        for asset in assets:
            corners = tuple(
                sorted(
                    (start_ms + p.seconds * 1000, p.price) for p in script if p.asset == asset.name
                )
            )
            spot = corners[0][1] if corners else asset.spot_usd
            self.coins[asset.name] = CoinPath(asset, spot, asset.atm_vol, 0.05, 0.0, corners)

    def step(self, now_ms: int, dt_ms: int) -> None:
        """Move every coin by one step that ends at `now_ms`."""
        root = math.sqrt(dt_ms / MS_PER_YEAR)
        draws = self._rng.standard_normal(1 + 4 * len(self.coins))
        common = draws[0] * math.sqrt(CORRELATION)
        for i, coin in enumerate(self.coins.values()):
            own, z_vol, z_basis, z_premium = draws[1 + 4 * i : 5 + 4 * i]
            old = coin.spot
            if coin.script:
                coin.spot = interpolate(coin.script, now_ms)
            else:
                z = common + own * math.sqrt(1.0 - CORRELATION)
                sd = coin.asset.drift_vol * root
                coin.spot = old * math.exp(sd * z - sd * sd / 2)
            move = math.log(coin.spot / old)
            coin.vol_level = self._vol(coin, move, dt_ms, float(z_vol))
            coin.basis = _pull(coin.basis, 0.05, dt_ms, 48, 0.01, float(z_basis))
            coin.premium = _pull(coin.premium, 2e-5, dt_ms, 0.2, 2e-4, float(z_premium))

    def _vol(self, coin: CoinPath, move: float, dt_ms: int, z: float) -> float:
        level = math.log(coin.vol_level / coin.asset.atm_vol)
        beta = 0.0 if coin.script else VOL_RETURN_BETA
        level = _pull(level + beta * move, 0.0, dt_ms, 72, 0.1, z)
        return coin.asset.atm_vol * math.exp(min(max(level, -0.7), 0.9))


def interpolate(corners: tuple[tuple[float, float], ...], now_ms: float) -> float:
    """Return the price between two corners; before the first and after the last it holds."""
    after = bisect_right(corners, now_ms, key=lambda corner: corner[0])
    if after == 0:
        return corners[0][1]
    if after == len(corners):
        return corners[-1][1]
    (t0, p0), (t1, p1) = corners[after - 1], corners[after]
    return p0 + (p1 - p0) * (now_ms - t0) / (t1 - t0)


def forward_factor(basis: float, years: float) -> float:
    """Return forward over index for a yearly basis that is smaller for near dates."""
    return math.exp(basis * years * (1.0 - 0.4 * math.exp(-years * DAYS_PER_YEAR / 30.0)))


def _pull(x: float, mean: float, dt_ms: int, hours: float, sd: float, z: float) -> float:
    """One exact step of a mean-reverting walk with the given stationary deviation."""
    keep = math.exp(-dt_ms / HOUR_MS / hours)
    return mean + (x - mean) * keep + sd * math.sqrt(1.0 - keep * keep) * z
