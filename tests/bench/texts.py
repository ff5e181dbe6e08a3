"""Signed text messages as the provider posts them, ready to go out on a socket."""

import base64
import hmac
from random import Random
from urllib.parse import urlencode

from tests.bench.stage import Place

NUMBER = "+12025550100"
WORDS = (
    "The street light at the corner is out, it is very dark for the children in the morning.",
    "Our recycling was not picked up this week, is there a new schedule for our street?",
    "Thank you. There is also a deep hole in the road in front of the school.",
    "Please tell me when somebody can come and have a look, I am at home on Friday.",
)


class Citizens:
    """Made-up people who text the city."""

    def __init__(self, place: Place, seed: int = 7) -> None:
        self._place, self._random = place, Random(seed)
        self._phones: list[str] = []
        self._count = 0

    def texts(self, count: int, known: float = 0.5) -> list[bytes]:
        """So many requests; ``known`` is the share that comes from people who wrote before."""
        return [self._text(self._phone(known)) for _ in range(count)]

    def _phone(self, known: float) -> str:
        if self._phones and self._random.random() < known:
            return self._random.choice(self._phones)
        self._phones.append(f"+1{212 + len(self._phones) // 10_000}555{len(self._phones) % 10_000:04d}")
        return self._phones[-1]

    def _text(self, phone: str) -> bytes:
        self._count += 1
        fields = {
            "AccountSid": self._place.account, "MessageSid": f"SM{self._count:032x}", "From": phone, "To": NUMBER,
            "Body": self._random.choice(WORDS), "NumMedia": "0", "NumSegments": "1", "ApiVersion": "2010-04-01",
        }  # fmt: skip
        url = f"{self._place.url}/channels/sms/text/messages"
        return post(
            self._place, "/channels/sms/text/messages", urlencode(fields), _signature(url, fields, self._place.token)
        )


def _signature(url: str, fields: dict[str, str], token: str) -> str:
    """https://www.twilio.com/docs/usage/security: the URL, then each name and value, sorted, under HMAC-SHA1."""
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


def post(place: Place, path: str, body: str, signature: str = "-") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{place.port}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"X-Twilio-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def rows(place: Place, path: str, count: int) -> list[bytes]:
    """Requests of the same size for the bare server."""
    return [post(place, path, "x" * 330) for _ in range(count)]
