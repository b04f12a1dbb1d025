"""How fast it is, as ratios to two baselines: the earlier script's way, and the least that any program must do."""
