"""Chat on our own web page: the desk's live channel without a provider in between."""

from channels.chat.adapter import Chat

CHANNEL = Chat
