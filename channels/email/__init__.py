"""Mail: ``listener``, ``mailboxes`` and ``providers`` bring it in, ``reading`` understands it, ``writing`` and ``sending`` answer.

``CHANNEL`` is the adapter; ``parse`` and ``headers_only`` are what the guarded child calls.
"""

from channels.email.adapter import Email
from channels.email.opening import headers_only, parse

CHANNEL = Email

__all__ = ["CHANNEL", "Email", "headers_only", "parse"]
