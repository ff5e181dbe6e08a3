"""What all channels over Twilio share (https://www.twilio.com/docs/messaging/api)."""

from channels._twilio.channel import TwilioChannel

__all__ = ["TwilioChannel"]
