"""Black-76 on a forward, undiscounted (r = 0): price and Greeks to third order, per coin.

All formulas take arrays of one length, one element an option: forward F and strike K in USD, time
T in years of 365 days, volatility s as a fraction. With v = s sqrt(T): d1 = ln(F/K)/v + v/2,
d2 = d1 - v; N and n are the normal distribution and density. An inverse option's Greeks are the
same as a linear option's, because the hedge of gamma is the same (`greeks.inverse`).

Limits: T <= 0 or v < 1e-8 gives the intrinsic value with all higher Greeks zero. Anything not
finite, a forward, strike or volatility that is not positive, a price above 1e15 USD or v above
100 gives NaN in that row only.
"""

from dataclasses import dataclass, fields

import numpy as np
from scipy.special import erfcx, ndtr

from greeks.conventions import DAYS_PER_YEAR, BoolArray, FloatArray, IntArray

MIN_SD = 1e-8
"""Below this v an option is its intrinsic value to the last digit."""
MAX_SD = 100.0
MAX_USD = 1e15
INV_SQRT_2PI = 0.3989422804014327
SQRT_HALF_PI = 1.2533141373155003
ROOT_HALF = 0.7071067811865476
FLOOR_EXPONENT = -650.0
"""Densities stop falling at exp(-650): denormal numbers cost ten times more and mean nothing."""
BLOCK = 8192
"""Rows computed together: enough to forget the cost of a call, few enough for the cache."""
NARROW_SD = 0.005
"""Below this v even the difference of the tails loses digits, and its series takes over."""


@dataclass(frozen=True, slots=True)
class Greeks:
    """Price and Greeks of one coin of option, in the raw units of the formulas.

    Attributes
    ----------
    price : USD. cp [F N(cp d1) - K N(cp d2)]
    delta : coins; forward delta, not premium-adjusted. cp N(cp d1)
    rho : USD per 1.00 of rate, of the discounted option at r = 0, spot held. cp K T N(cp d2)
    vega : USD per 1.00 of volatility. F n(d1) sqrt(T)
    gamma : coins per USD. n(d1) / (F v)
    speed : coins per USD squared. -gamma (d1 / v + 1) / F
    volga : USD per 1.00 of volatility squared. vega d1 d2 / s
    zomma : coins per USD, per 1.00 of volatility. gamma (d1 d2 - 1) / s
    vanna : coins per 1.00 of volatility. -n(d1) d2 / s
    veta : USD per 1.00 of volatility, per year. -vega (1 + d1 d2) / (2 T)
    color : coins per USD, per year. gamma (1 - d1 d2) / (2 T)
    charm : coins per year. n(d1) d2 / (2 T)
    theta : USD per year of calendar time (negative for a holder). -F n(d1) s / (2 sqrt(T))
    ultima : USD per 1.00 of volatility cubed. -vega [d1 d2 (1 - d1 d2) + d1^2 + d2^2] / s^2
    """

    price: FloatArray
    delta: FloatArray
    rho: FloatArray
    vega: FloatArray
    gamma: FloatArray
    speed: FloatArray
    volga: FloatArray
    zomma: FloatArray
    vanna: FloatArray
    veta: FloatArray
    color: FloatArray
    charm: FloatArray
    theta: FloatArray
    ultima: FloatArray


_SIDED = 3  # price, delta and rho differ between a call and its put; the Greeks below them do not
_SHARED = len(fields(Greeks)) - _SIDED


@dataclass(frozen=True, slots=True)
class StrikeGreeks:
    """Price and Greeks of the call and of the put at each of m strikes, in the units of `Greeks`.

    Attributes
    ----------
    sided : (3, 2, m) price, delta and rho, of the call and of the put.
    shared : (11, m) the Greeks that both have in common, in the order of `Greeks` from vega on.
    """

    sided: FloatArray
    shared: FloatArray

    @classmethod
    def of(cls, count: int) -> "StrikeGreeks":
        """Room for `count` strikes."""
        return cls(np.empty((_SIDED, 2, count)), np.empty((_SHARED, count)))


def compute_greeks(
    forward: FloatArray, strike: FloatArray, years: FloatArray, iv: FloatArray, is_call: BoolArray
) -> Greeks:
    """Price and all Greeks of each row; the formulas stand beside their names in `Greeks`.

    Neighbouring rows that agree in everything but the type, as a call and its put do, are
    computed once.
    """
    table = np.empty((_SIDED + _SHARED, len(forward)))
    for start in range(0, len(forward), BLOCK):
        rows = slice(start, start + BLOCK)
        _fill(forward[rows], strike[rows], years[rows], iv[rows], is_call[rows], table[:, rows])
    return Greeks(*table)


def spread_greeks(strikes: StrikeGreeks, of_row: IntArray, slot: IntArray) -> Greeks:
    """The Greeks of n rows from those of their strikes.

    `of_row` (n,) is the strike of each row, `slot` its flat place in a (2, m) table of calls and
    puts.
    """
    table = np.empty((_SIDED + _SHARED, len(of_row)))
    _spread(strikes, of_row, slot, table)
    return Greeks(*table)


def _spread(strikes: StrikeGreeks, of_row: IntArray, slot: IntArray, out: FloatArray) -> None:
    strikes.sided.reshape(_SIDED, -1).take(slot, axis=1, out=out[:_SIDED], mode="clip")
    strikes.shared.take(of_row, axis=1, out=out[_SIDED:], mode="clip")


def compute_delta(
    forward: FloatArray, strike: FloatArray, years: FloatArray, iv: FloatArray, is_call: BoolArray
) -> FloatArray:
    """Forward delta cp N(cp d1) in coins; at or after expiry 1 or 0 in the money, 1/2 at it.

    Arguments broadcast against each other.
    """
    with np.errstate(all="ignore"):
        sd = iv * np.sqrt(np.maximum(years, 0.0))
        x = log_ratio(forward, strike)
        live = sd >= MIN_SD
        d1 = np.where(live, x / np.where(live, sd, 1.0) + sd / 2, np.sign(x) * np.inf)
        d1 = np.where(live | (x != 0), d1, 0.0)
        delta = np.where(is_call, ndtr(d1), -ndtr(-d1))
    return np.where(is_computable(forward, strike, years, iv), delta, np.nan)


def log_ratio(forward: FloatArray, strike: FloatArray) -> FloatArray:
    """ln(F/K) to full relative precision, also where F and K nearly agree.

    The difference F - K is rounded once; a quotient near one has lost its digits.
    """
    gap = forward - strike
    return np.copysign(np.log1p(np.abs(gap) / np.minimum(forward, strike)), gap)


def is_computable(
    forward: FloatArray, strike: FloatArray, years: FloatArray, iv: FloatArray
) -> BoolArray:
    """Rows whose inputs can be true: finite, positive where they must be, not absurd."""
    with np.errstate(all="ignore"):
        sd = iv * np.sqrt(np.maximum(years, 0.0))
        ok = (np.minimum(forward, strike) > 0) & (np.maximum(forward, strike) < MAX_USD)
        return np.asarray(ok & (iv > 0) & (sd <= MAX_SD) & np.isfinite(years))


def differs_from_previous(*columns: FloatArray | IntArray | BoolArray) -> BoolArray:
    """Rows that differ from the row before them in some column; the first always counts."""
    differs = np.ones(len(columns[0]), bool)
    later = differs[1:]
    np.not_equal(columns[0][1:], columns[0][:-1], out=later)
    for column in columns[1:]:
        later |= column[1:] != column[:-1]
    return differs


def _fill(
    F: FloatArray, K: FloatArray, T: FloatArray, s: FloatArray, is_call: BoolArray, out: FloatArray
) -> None:
    """Write every Greek of the rows into `out`, whatever the rows hold."""
    with np.errstate(all="ignore"):
        computable = is_computable(F, K, T, s)
        alive = computable & (s * np.sqrt(np.maximum(T, 0.0)) >= MIN_SD)
        if alive.all():
            _fill_alive(F, K, T, s, is_call, out)
            return
        out[:] = np.where(computable, 0.0, np.nan)
        out[0] += np.maximum(np.where(is_call, F - K, K - F), 0.0)
        out[1] = compute_delta(F, K, T, s, is_call)
    rows = np.flatnonzero(alive)
    part = np.empty((_SIDED + _SHARED, len(rows)))
    _fill_alive(F[rows], K[rows], T[rows], s[rows], is_call[rows], part)
    out[:, rows] = part


def _fill_alive(
    F: FloatArray, K: FloatArray, T: FloatArray, s: FloatArray, is_call: BoolArray, out: FloatArray
) -> None:
    """The same for rows that are all computable and alive, twins once."""
    if not len(F):
        return
    differs = differs_from_previous(F, K, T, s)
    rows = np.flatnonzero(differs)
    of_row = differs.cumsum() - 1
    strikes = compute_strike_greeks(F.take(rows), K.take(rows), T.take(rows), s.take(rows))
    _spread(strikes, of_row, np.where(is_call, of_row, of_row + len(rows)), out)


def compute_strike_greeks(
    forward: FloatArray,
    strike: FloatArray,
    years: FloatArray,
    iv: FloatArray,
    out: StrikeGreeks | None = None,
) -> StrikeGreeks:
    """The call and the put at each strike; every row computable and v at least 1e-8.

    Written into `out` where it is given.

    With Y(z) = N(-z)/n(z) and K n(d2) = F n(d1): N(-|d1|) = n(d1) Y(|d1|) and
    K N(-|d2|) = F n(d1) Y(|d2|), so one exponential serves both tails. The out-of-the-money value
    is F n(d1) |Y(|d1|) - Y(|d2|)|, a difference that keeps its digits; where d1 > 0 > d2 it is
    min(F, K) - F n(d1) [Y(|d1|) + Y(|d2|)].
    """
    if out is None:
        out = StrikeGreeks.of(len(forward))
    for start in range(0, len(forward), BLOCK):
        rows = slice(start, start + BLOCK)
        F, K, T, s = forward[rows], strike[rows], years[rows], iv[rows]
        v = np.sqrt(T)
        v *= s
        h = log_ratio(F, K)
        h /= v
        half = 0.5 * v
        d = np.empty((2, len(v)))
        np.add(h, half, out=d[0])
        np.subtract(h, half, out=d[1])
        n1 = d[0] * d[0]
        n1 *= -0.5
        np.maximum(n1, FLOOR_EXPONENT, out=n1)
        np.exp(n1, out=n1)
        n1 *= INV_SQRT_2PI
        _fill_sided(F, K, T, v, h, d, n1, out.sided[..., rows])
        _fill_shared(F, T, s, v, d, n1, out.shared[:, rows])
    return out


def _fill_sided(
    F: FloatArray,
    K: FloatArray,
    T: FloatArray,
    v: FloatArray,
    h: FloatArray,
    d: FloatArray,
    n1: FloatArray,
    out: FloatArray,
) -> None:
    """Write price, delta and rho of calls and puts: (3, 2, m)."""
    tail = np.abs(d)
    tail *= ROOT_HALF
    erfcx(tail, out=tail)
    Fn = SQRT_HALF_PI * F
    Fn *= n1
    tail *= Fn  # F N(-|d1|), K N(-|d2|)
    value = np.abs(tail[0] - tail[1])
    straddles = np.abs(h) < 0.5 * v
    np.copyto(value, np.minimum(F, K) - tail[0] - tail[1], where=straddles)
    narrow = np.flatnonzero(v < NARROW_SD)
    if len(narrow):
        scale = F[narrow] * n1[narrow] * v[narrow]
        value[narrow] = scale * tail_difference(h[narrow], v[narrow])
    gap = F - K
    np.maximum(gap, 0.0, out=out[0, 0])
    np.subtract(out[0, 0], gap, out=out[0, 1])
    out[0] += value
    tail[0] /= F
    tail[1] /= K
    up = d > 0
    calls, puts = out[1:, 0], out[1:, 1]  # N(d1), N(d2), then N(-d1), N(-d2)
    np.subtract(1, tail, out=puts)
    calls[:] = tail
    np.copyto(calls, puts, where=up)
    np.copyto(puts, tail, where=up)
    np.negative(puts, out=puts)
    out[2] *= K * T


def _fill_shared(
    F: FloatArray,
    T: FloatArray,
    s: FloatArray,
    v: FloatArray,
    d: FloatArray,
    n1: FloatArray,
    out: FloatArray,
) -> None:
    """Write the Greeks that a call shares with its put, in the order of `Greeks`: (11, m)."""
    d1, d2 = d
    vega, gamma, third = basis = out[:3]
    by_iv, by_time = out[3:6], out[6:9]
    dd = d1 * d2
    Fv = F * v
    np.multiply(n1, Fv, out=vega)
    vega /= s
    np.divide(n1, Fv, out=gamma)
    np.multiply(n1, d2, out=third)
    np.negative(third, out=third)
    np.divide(basis, s, out=by_iv)  # volga / dd, zomma / (dd - 1), vanna
    np.divide(basis, -2 * T, out=by_time)  # veta / (1 + dd), color / (dd - 1), charm
    np.multiply(by_time[0], s, out=out[9])  # theta
    ultima = dd - 3
    ultima *= dd
    ultima -= v * v
    ultima *= by_iv[0]
    np.divide(ultima, s, out=out[10])
    by_iv[0] *= dd
    by_time[0] *= 1 + dd
    dd -= 1
    out[4:8:3] *= dd  # zomma and color
    speed = np.add(d1, v, out=third)
    speed *= gamma
    Fv *= -1
    speed /= Fv


def tail_difference(h: FloatArray, v: FloatArray) -> FloatArray:
    """[Y(h + v/2) - Y(h - v/2)] / v with Y = N/n and h <= 0 (its mirror if not), by odd powers.

    Y' = 1 + h Y and Y^(k+2) = (h^2 + 2k + 1) Y^(k) - k (k - 1) Y^(k-2). The out-of-the-money
    value is F n(d1) v times this (after Jaeckel, "Let's be rational", 2015, section 6).
    """
    h = np.abs(h)
    y = h * h
    first = 1 - h * SQRT_HALF_PI * erfcx(h * ROOT_HALF)
    third = (3 + y) * first - 1
    fifth = (7 + y) * third - 6 * first
    seventh = (11 + y) * fifth - 20 * third
    w = v * v / 4
    return np.asarray(first + w / 6 * (third + w / 20 * (fifth + w / 42 * seventh)))


def venue_theta(theta: FloatArray, price: FloatArray, years: FloatArray) -> FloatArray:
    """Theta as the venue publishes it, USD per day: the decay of a day or of the life left.

    -min(|theta| / 365 x min(T in days, 1), price), from `Greeks.theta` (USD per year) and
    `Greeks.price` (USD). Fitted on recorded tickers: 99.7 % within 0.5 % + 0.002 USD. Only for
    comparison with the venue; exposures use the plain calendar theta.
    """
    day = np.clip(years * DAYS_PER_YEAR, 0.0, 1.0)
    return np.asarray(-np.minimum(np.abs(theta) / DAYS_PER_YEAR * day, price))
