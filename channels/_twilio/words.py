"""Twilio's codes and states, and what they mean to the desk."""

from collections.abc import Mapping

from channels.base import DeliveryState, ErrorClass, SendError

# https://www.twilio.com/docs/api/errors. Twilio keeps refining these: what is not here is "unknown" with its own text.
ERRORS: Mapping[str, ErrorClass] = {
    "21610": ErrorClass.OPTED_OUT,
    "21211": ErrorClass.BAD_ADDRESS,  # invalid number
    "21217": ErrorClass.BAD_ADDRESS,  # invalid number
    "21614": ErrorClass.BAD_ADDRESS,  # not a mobile
    "21635": ErrorClass.BAD_ADDRESS,  # landline
    "30005": ErrorClass.BAD_ADDRESS,  # unknown handset
    "30006": ErrorClass.BAD_ADDRESS,  # landline
    "30003": ErrorClass.UNREACHABLE,  # handset off or away
    "30008": ErrorClass.UNREACHABLE,  # the network would not say
    "30004": ErrorClass.BLOCKED,
    "30007": ErrorClass.BLOCKED,  # filtered by the carrier
    "21408": ErrorClass.SENDER,  # region not enabled
    "21612": ErrorClass.SENDER,  # no route
    "21608": ErrorClass.SENDER,  # trial account
    "21606": ErrorClass.SENDER,
    "21212": ErrorClass.SENDER,
    "21659": ErrorClass.SENDER,
    "21660": ErrorClass.SENDER,  # 21606 to 21660: our From number
    "30032": ErrorClass.SENDER,  # toll-free number not verified
    "30034": ErrorClass.SENDER,  # number not registered
    "20003": ErrorClass.SENDER,  # credentials
    "20404": ErrorClass.SENDER,  # account
    "30002": ErrorClass.SENDER,  # account suspended
    "20429": ErrorClass.THROTTLED,
    "21611": ErrorClass.THROTTLED,  # queue full
    "30001": ErrorClass.THROTTLED,  # queue full
    "30450": ErrorClass.THROTTLED,  # fraud guard
    "30453": ErrorClass.THROTTLED,  # fraud guard
    "63016": ErrorClass.WINDOW,
    "21602": ErrorClass.CONTENT,  # no text
    "21617": ErrorClass.CONTENT,  # too long
    "21620": ErrorClass.CONTENT,  # a file's address
    "21623": ErrorClass.CONTENT,  # too many files
    "30019": ErrorClass.CONTENT,  # too large for the carrier
}
FRAUD_GUARD, FRAUD_GUARD_PAUSE = ("30450", "30453"), 30 * 60.0

STATES: Mapping[str, DeliveryState] = {
    "accepted": DeliveryState.QUEUED,
    "scheduled": DeliveryState.QUEUED,
    "queued": DeliveryState.QUEUED,
    "sending": DeliveryState.SENDING,
    "sent": DeliveryState.SENT,
    "partially_delivered": DeliveryState.SENT,
    "delivered": DeliveryState.DELIVERED,
    "undelivered": DeliveryState.UNDELIVERED,
    "failed": DeliveryState.FAILED,
    "canceled": DeliveryState.CANCELED,
    "read": DeliveryState.READ,
}
NOT_DELIVERED = (DeliveryState.UNDELIVERED, DeliveryState.FAILED)


def state_of(status: str | None) -> DeliveryState:
    return STATES.get(status or "", DeliveryState.UNKNOWN)


def error_of(status: str, code: str, text: str, errors: Mapping[str, ErrorClass]) -> SendError | None:
    """What a report complains of. A status nobody has heard of is told in its own word."""
    text = text or (status if status not in STATES else "")
    if code or text or state_of(status) in NOT_DELIVERED:
        return SendError(errors.get(code, ErrorClass.UNKNOWN), code, text)
    return None
