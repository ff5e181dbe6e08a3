"""What the enhanced status codes of mail servers mean for the desk (RFC 3463), at the relay's door and in reports alike.

A code that begins with 5 says nothing of the address: half of all 5.x.x tell of spam rules, full mailboxes or sizes.
"""

from channels.base import ErrorClass

BAD_ADDRESS = frozenset({"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
BY_STATUS = {
    "5.1.7": ErrorClass.SENDER,
    "5.1.8": ErrorClass.SENDER,
    "5.2.1": ErrorClass.UNREACHABLE,
    "5.2.2": ErrorClass.UNREACHABLE,
    "5.2.3": ErrorClass.CONTENT,
    "5.3.4": ErrorClass.CONTENT,
}
BY_SUBJECT = {"5.6": ErrorClass.CONTENT, "5.7": ErrorClass.SENDER}
"""By the first two numbers, where the third adds nothing."""
