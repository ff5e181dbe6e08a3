"""The contact centre: composes the channels, the routing and the screens into one desk."""

__version__ = "0.1.0"
