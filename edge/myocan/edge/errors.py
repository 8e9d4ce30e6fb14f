"""What can go wrong on a board; each message says what to do."""


class EdgeError(Exception):
    """The root of all errors of an adapter."""


class ConfigError(EdgeError):
    """The adapter's configuration asks for something that cannot be."""


class PinError(EdgeError):
    """A pin is not there, or cannot do what a port wants of it."""


class Refused(EdgeError):
    """A port cannot take the value that it was sent."""
