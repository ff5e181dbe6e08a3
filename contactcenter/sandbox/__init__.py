"""A pretend outside world for trying the desk: a text provider, phones, mailboxes. It never runs unless asked for."""

from contactcenter.sandbox.config import SandboxConfig
from contactcenter.sandbox.server import serve

__all__ = ["SandboxConfig", "serve"]
