"""Measurements of the engine and the feed against peers, for `bench.json` and the docs."""
