"""What implied volatility does when spot moves: the smile of each expiry, and how far it sticks.

After a log-move x of every forward, an option struck at K has the volatility of today's smile at
log-moneyness ln(K/F) - (1 - R) x, R the skew-stickiness ratio (Bergomi 2009, "Smile dynamics IV"):
with R = 1 each option keeps its own volatility (sticky strike), with R = 0 the smile moves along
with the forward (sticky moneyness); the at-the-money volatility then moves by R x skew x x.
"""

from greeks.conventions import SmileDynamics

STICKINESS = {SmileDynamics.STICKY_STRIKE: 1.0, SmileDynamics.STICKY_MONEYNESS: 0.0}
