"""Who holds what, and what they must trade for it. Pure: no clock, no I/O, no framework."""
