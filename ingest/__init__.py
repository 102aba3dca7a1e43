"""From bytes to OptionChain: the Deribit wire as a client reads it."""
