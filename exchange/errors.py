"""What can be wrong with a request to run an exchange, in one sentence for whoever asked."""


class ConfigError(ValueError):
    """A path, an asset, an instant or a fault that cannot be had."""
