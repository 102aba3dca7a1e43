"""What dealers' hedging does to the market: the feedback loops. Pure, like its inputs."""
