"""E2: a cloud of possible histories an option, moved by each trade and weighed by each OI step.

The change of open interest is the only public evidence on the level of an inventory: when a
customer's purchase raises it, dealers were not long. Knows blocks of trades and the open
interest after them; knows nothing of chains or clocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dealers.attribution import ATTRIBUTIONS, CONCENTRATION, TradeClass
from dealers.flow import InstrumentFlow
from dealers.marginals import Marginals, SharedError, from_weights
from greeks.conventions import FloatArray, IntArray

PARTICLES = 600
_OPENS = 0.6  # a customer opens rather than closes [A]
_EXTENDS = 0.75  # a dealer whose side adds to his inventory opens [A]; 0.25 when it reduces
_TEMPER = 0.5  # weight of OI steps: their model is rough
_SLACK = 0.05  # of OI: how firmly |q| <= OI holds
_JITTER, _ODDS_JITTER = 0.02, 0.03
_LEAN_LOW, _LEAN_HIGH = 0.03, 0.97

_ODDS = np.array(
    [
        (of.customer_took, of.neither, of.dealer_took)
        for of in (ATTRIBUTIONS[kind] for kind in TradeClass)
    ]
)


@dataclass(frozen=True, slots=True)
class Cloud:
    """The possible inventories of one option; P particles.

    Attributes
    ----------
    position_coin : (P,) dealers' inventory.
    log_weight : (P,) up to a constant.
    odds : (P, 3) of customer took, neither, dealer took, for lit trades.
    lean : (P,) where customers' share of buys lies in its posterior, in standard deviations.
    open_interest_coin : when last weighed.
    buys, sells : prints counted.
    missing : holes of the tape that it was spread for.
    """

    position_coin: FloatArray
    log_weight: FloatArray
    odds: FloatArray
    lean: FloatArray
    open_interest_coin: float
    buys: int
    sells: int
    missing: int


@dataclass(frozen=True, slots=True)
class Block:
    """Trades of one option in order: + v for a taker's buy, - v for a sale, and their classes."""

    signed_coin: FloatArray
    kinds: IntArray


def seed_cloud(
    position_coin: FloatArray,
    open_interest_coin: float,
    flow: InstrumentFlow,
    rng: np.random.Generator,
) -> Cloud:
    """Start a cloud from (P,) equally likely inventories; odds from their Dirichlet prior."""
    count = len(position_coin)
    return Cloud(
        position_coin=position_coin,
        log_weight=np.zeros(count),
        odds=rng.dirichlet(_ODDS[TradeClass.LIT] * CONCENTRATION, count),
        lean=rng.standard_normal(count),
        open_interest_coin=open_interest_coin,
        buys=flow.buys,
        sells=flow.sells,
        missing=flow.missing,
    )


def blur(cloud: Cloud, flow: InstrumentFlow, rng: np.random.Generator) -> Cloud:
    """Spread a cloud for trades found missing since: each adds a mean v^2 of variance."""
    holes = max(flow.missing - cloud.missing, 0)
    step = np.sqrt(holes * flow.mean_square_coin2) * rng.standard_normal(len(cloud.position_coin))
    return replace(cloud, position_coin=cloud.position_coin + step, missing=flow.missing)


def advance(
    clouds: Sequence[Cloud],
    blocks: Sequence[Block],
    open_interest_coin: FloatArray,
    rng: np.random.Generator,
) -> list[Cloud]:
    """Move each cloud by its block of trades, then weigh it by the open interest after them.

    For a print of sign s, P(eps) is proportional to a pi_s, b pi_s, c (1 - pi_s) for eps = +1
    (customer took), 0, -1, with pi_s customers' share of prints on that side; q -= s v eps. A
    trade's OI step has mean v (p_o + p_1 - 1): p_o = 0.6 for the customer, p_1 = 0.75 for a
    dealer who extends and 0.25 for one who reduces his inventory, 0.6 between customers [A].
    With mu and va the sums of means and variances, a particle's log weight grows by
    -1/2 (max(|q| - OI, 0)/(0.05 OI + 0.1))^2 + 1/2 [-1/2 (dOI - mu)^2/(va + 0.1) - 1/2 ln(va +
    0.1)]. Systematic resampling when the effective number falls below P/2.
    """
    if not clouds:
        return []
    moved, mean, variance = _move(clouds, blocks, rng)
    after, before = open_interest_coin, np.array([cloud.open_interest_coin for cloud in clouds])
    excess = np.maximum(np.abs(moved) - after[:, None], 0.0) / (_SLACK * after + 0.1)[:, None]
    surprise = ((after - before)[:, None] - mean) ** 2 / (variance + 0.1)
    evidence = -0.5 * excess**2 - 0.5 * _TEMPER * (surprise + np.log(variance + 0.1))
    return [
        _resample(
            replace(
                cloud,
                position_coin=position,
                log_weight=cloud.log_weight + gain,
                open_interest_coin=float(interest),
                buys=cloud.buys + int(np.count_nonzero(block.signed_coin > 0)),
                sells=cloud.sells + int(np.count_nonzero(block.signed_coin < 0)),
            ),
            rng,
        )
        for cloud, block, position, gain, interest in zip(
            clouds, blocks, moved, evidence, after, strict=True
        )
    ]


def drift(
    clouds: Sequence[Cloud], blocks: Sequence[Block], rng: np.random.Generator
) -> list[Cloud]:
    """Move each cloud by trades whose open interest is not known yet."""
    if not clouds:
        return []
    moved = _move(clouds, blocks, rng)[0]
    return [
        replace(cloud, position_coin=position)
        for cloud, position in zip(clouds, moved, strict=True)
    ]


def summarise(clouds: Sequence[Cloud], open_interest_coin: FloatArray) -> Marginals:
    """Weighted mean and quantiles of each cloud, within +- OI.

    The loading on attribution is the weighted correlation of a particle's inventory with its
    a - c. The intervals are too narrow before `Marginals.widened`. Means are shrunk towards zero
    on our synthetic market (truth is 1.1 to 1.3 times the mean): read the magnitude as
    conservative.
    """
    position = np.stack([cloud.position_coin for cloud in clouds])
    weight = _weights(np.stack([cloud.log_weight for cloud in clouds]))
    effect = np.stack([cloud.odds[:, 0] - cloud.odds[:, 2] for cloud in clouds])
    order = np.argsort(position, axis=1)
    loadings = np.zeros((len(clouds), len(SharedError)))
    loadings[:, SharedError.ATTRIBUTION] = _correlation(position, effect, weight)
    return from_weights(
        np.take_along_axis(position, order, axis=1),
        np.take_along_axis(weight, order, axis=1),
        loadings,
    ).bounded(open_interest_coin)


def _move(
    clouds: Sequence[Cloud], blocks: Sequence[Block], rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Positions after the blocks, and mean and variance of the OI step they imply; (I, P)."""
    position = np.stack([cloud.position_coin for cloud in clouds])
    odds = np.stack([cloud.odds for cloud in clouds])
    signed, kinds = _pad(blocks)
    share = _buy_share(clouds, signed, odds)
    mean, variance = np.zeros_like(position), np.zeros_like(position)
    by_kind = odds[:, :, None, :] * (_ODDS / _ODDS[TradeClass.LIT])  # (I, P, C, 3)
    rows = np.arange(len(clouds))
    for step in range(signed.shape[1]):
        amount, buys = np.abs(signed[:, step, None]), signed[:, step, None] > 0
        customers = np.where(buys, share, 1 - share)
        customers[kinds[:, step] >= TradeClass.TAKER_LIQUIDATED] = 0.5  # the side is forced
        took, neither, dealer_took = np.moveaxis(by_kind[rows, :, kinds[:, step]], -1, 0)
        took, neither = took * customers, neither * customers
        drawn = rng.random(position.shape) * (took + neither + dealer_took * (1 - customers))
        eps = np.where(drawn < took, 1.0, np.where(drawn < took + neither, 0.0, -1.0))
        change = np.where(buys, -amount, amount) * eps
        opens = np.where(position * change >= 0, _EXTENDS, 1 - _EXTENDS)
        opens = np.where(eps == 0, _OPENS, opens)
        mean += amount * (_OPENS + opens - 1)
        variance += amount**2 * (_OPENS * (1 - _OPENS) + opens * (1 - opens))
        position = position + change
    return position, mean, variance


def _pad(blocks: Sequence[Block]) -> tuple[FloatArray, IntArray]:
    """Blocks side by side, (I, T); a padded trade has no amount."""
    length = max((len(block.signed_coin) for block in blocks), default=0)
    signed = np.zeros((len(blocks), length))
    kinds = np.zeros((len(blocks), length), np.int64)
    for i, block in enumerate(blocks):
        signed[i, : len(block.signed_coin)] = block.signed_coin
        kinds[i, : len(block.kinds)] = block.kinds
    return signed, kinds


def _buy_share(clouds: Sequence[Cloud], signed: FloatArray, odds: FloatArray) -> FloatArray:
    """Customers' share of buys: the printed share y = (a + b) pi + c (1 - pi) solved for pi.

    y has the Beta(N+/2 + 1, N-/2 + 1) distribution of the prints, here by mean and deviation.
    """
    buys = np.array([cloud.buys for cloud in clouds]) + np.count_nonzero(signed > 0, axis=1)
    sells = np.array([cloud.sells for cloud in clouds]) + np.count_nonzero(signed < 0, axis=1)
    a, b = buys[:, None] / 2 + 1, sells[:, None] / 2 + 1
    deviation = np.sqrt(a * b / (a + b + 1)) / (a + b)
    printed = a / (a + b) + deviation * np.stack([cloud.lean for cloud in clouds])
    dealer_took = odds[..., 2]
    share = (printed - dealer_took) / (1 - 2 * dealer_took)
    return np.asarray(np.clip(share, _LEAN_LOW, _LEAN_HIGH))


def _resample(cloud: Cloud, rng: np.random.Generator) -> Cloud:
    weight = _weights(cloud.log_weight)
    count = len(weight)
    if 1 / np.sum(weight**2) >= count / 2:
        return cloud
    ladder = (np.arange(count) + rng.random()) / count
    chosen = np.minimum(np.searchsorted(np.cumsum(weight), ladder), count - 1)
    step = _JITTER * cloud.open_interest_coin * rng.standard_normal(count)
    odds = cloud.odds[chosen] * np.exp(_ODDS_JITTER * rng.standard_normal((count, 3)))
    return replace(
        cloud,
        position_coin=cloud.position_coin[chosen] + step,
        log_weight=np.zeros(count),
        odds=odds / odds.sum(axis=1, keepdims=True),
        lean=cloud.lean[chosen],
    )


def _weights(log_weight: FloatArray) -> FloatArray:
    raised = np.exp(np.maximum(log_weight - log_weight.max(axis=-1, keepdims=True), -700.0))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def _correlation(x: FloatArray, y: FloatArray, weight: FloatArray) -> FloatArray:
    x = x - (weight * x).sum(axis=1, keepdims=True)
    y = y - (weight * y).sum(axis=1, keepdims=True)
    spread = (weight * x * x).sum(axis=1) * (weight * y * y).sum(axis=1)
    return np.asarray((weight * x * y).sum(axis=1) / np.sqrt(np.maximum(spread, 1e-300)))
