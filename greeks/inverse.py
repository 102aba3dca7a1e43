"""Hedging coin-margined options: net delta, and what time and volatility make a dealer trade.

A dealer of inverse options keeps his wealth constant in USD or in coins. A price move forces the
same trade of -q gamma dS coins on both: what the premium changes in the coin delta is offset by
the inverse perpetual, whose coin equivalent N/S moves by itself. GEX therefore uses plain gamma for
inverse and linear options alike; only flows from time and volatility differ (theory 1.3, after
Alexander, Chen, Imeraj 2023, "Crypto quanto and inverse options").
"""

import numpy as np

from greeks.black76 import Greeks
from greeks.conventions import FloatArray, HedgeConvention


def net_delta(greeks: Greeks, forward: FloatArray) -> FloatArray:
    """Premium-adjusted delta, delta - price/F coins: the venue's own total of a position."""
    return np.asarray(greeks.delta - greeks.price / forward)


def hedge_delta(greeks: Greeks, forward: FloatArray, convention: HedgeConvention) -> FloatArray:
    """Coins of underlying that one coin of option is hedged with, the sign reversed."""
    if convention is HedgeConvention.USD:
        return greeks.delta
    return net_delta(greeks, forward)


def hedge_charm(greeks: Greeks, forward: FloatArray, convention: HedgeConvention) -> FloatArray:
    """Change of the hedge by calendar time, coins per year: charm, in coin less theta/F.

    Dealers of q coins buy -q times this per year.
    """
    if convention is HedgeConvention.USD:
        return greeks.charm
    return np.asarray(greeks.charm - greeks.theta / forward)


def hedge_vanna(greeks: Greeks, forward: FloatArray, convention: HedgeConvention) -> FloatArray:
    """Change of the hedge by volatility, coins per 1.00: vanna, in coin less vega/F.

    Dealers of q coins buy -q times this per 1.00 of volatility.
    """
    if convention is HedgeConvention.USD:
        return greeks.vanna
    return np.asarray(greeks.vanna - greeks.vega / forward)
