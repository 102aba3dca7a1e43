"""Long runs of the real product: kills, endurance, load, fuzz. CI runs the same code, shortly."""
