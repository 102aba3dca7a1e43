"""The position models by name, and the rules among them: inventory from open interest alone.

Nobody publishes who holds an option. Each model is an assumption with a name, stated beside
every number made with it.
"""

from enum import StrEnum

import numpy as np

from greeks.chain import OptionChain
from greeks.conventions import FloatArray


class PositionModel(StrEnum):
    """How dealers' inventory is inferred."""

    NAIVE = "naive"  # dealers long calls, short puts
    REVERSED = "reversed"  # dealers short calls, long puts
    CUSTOMER_LONG = "customer_long"  # dealers short every option: the gross bound
    FLOW = "flow"  # dealers took the other side of every trade
    POSTERIOR = "posterior"  # the same with the odds of being wrong, and open interest's steps


RULES = (PositionModel.NAIVE, PositionModel.REVERSED, PositionModel.CUSTOMER_LONG)
"""Models that need no tape."""


def position_from_rule(chain: OptionChain, model: PositionModel) -> FloatArray:
    """Dealers' inventory per option in coins, + = dealers long; NaN where OI is unknown.

    `model` is one of `RULES`; raises `ValueError` for a model that needs a tape.

    `naive` is the rule that the SqueezeMetrics white paper (2016) argued for equity indices:
    customers overwrite calls and buy puts. For crypto it is a habit, not a finding.
    """
    if model not in RULES:
        raise ValueError(f"model: expected one of {', '.join(RULES)}, was {model}")
    call_sign, put_sign = {
        PositionModel.NAIVE: (1.0, -1.0),
        PositionModel.REVERSED: (-1.0, 1.0),
        PositionModel.CUSTOMER_LONG: (-1.0, -1.0),
    }[model]
    return np.asarray(chain.open_interest_coin * np.where(chain.is_call, call_sign, put_sign))
