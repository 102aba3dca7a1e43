"""Pure option mathematics: arrays in, values out. No clock, no I/O, no framework."""
