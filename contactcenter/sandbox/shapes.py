"""Texts in the provider's words: what its API answers and what its webhooks carry."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from contactcenter.sandbox.store import Row

VERSION = "2010-04-01"
PLAIN = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
DOUBLE = frozenset("\f^{}\\[~]|€")


def message(row: Row, account: str) -> dict[str, Any]:
    """A message resource of the API."""
    uri = f"/{VERSION}/Accounts/{account}/Messages/{row['sid']}"
    return {
        "account_sid": account,
        "api_version": VERSION,
        "body": row["body"],
        "date_created": _rfc2822(row["created"]),
        "date_sent": _rfc2822(row["sent"]),
        "date_updated": _rfc2822(row["updated"]),
        "direction": row["direction"],
        "error_code": int(row["error_code"]) if row["error_code"] else None,
        "error_message": "This phone cannot be reached in the sandbox" if row["error_code"] else None,
        "from": row["sender"],
        "messaging_service_sid": None,
        "num_media": str(row["media"]),
        "num_segments": str(segments(row["body"])),
        "price": None,
        "price_unit": "USD",
        "sid": row["sid"],
        "status": row["status"],
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": row["recipient"],
        "uri": f"{uri}.json",
    }


def file(row: Row, account: str) -> dict[str, Any]:
    """A media resource of the API."""
    return {
        "account_sid": account,
        "content_type": row["type"],
        "date_created": _rfc2822(row["created"]),
        "date_updated": _rfc2822(row["created"]),
        "parent_sid": row["text_sid"],
        "sid": row["sid"],
        "uri": f"{_file_path(row, account)}.json",
    }


def _file_path(row: Row, account: str) -> str:
    return f"/{VERSION}/Accounts/{account}/Messages/{row['text_sid']}/Media/{row['sid']}"


def listing(name: str, path: str, items: list[dict[str, Any]], query: str, page: int, size: int) -> dict[str, Any]:
    """One page of a list at ``path``, with the links of its neighbours."""
    here = items[page * size : (page + 1) * size]
    base = f"{path}?{query}{'&' if query else ''}PageSize={size}"
    more = (page + 1) * size < len(items)
    return {
        name: here,
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": max(page * size + len(here) - 1, 0),
        "uri": f"{base}&Page={page}",
        "first_page_uri": f"{base}&Page=0",
        "previous_page_uri": f"{base}&Page={page - 1}" if page else None,
        "next_page_uri": f"{base}&Page={page + 1}&PageToken=PA{quote(here[-1]['sid'])}" if more else None,
    }


def arriving(row: Row, files: list[Row], account: str, base_url: str, word: str) -> dict[str, str]:
    """The form that a number's webhook gets for a text from a phone. ``word``: what the provider did with it by itself."""
    sid = row["sid"]
    form = {
        "AccountSid": account,
        "ApiVersion": VERSION,
        "Body": row["body"],
        "From": row["sender"],
        "FromCountry": "US",
        "MessageSid": sid,
        "NumMedia": str(len(files)),
        "NumSegments": str(segments(row["body"])),
        "SmsMessageSid": sid,
        "SmsSid": sid,
        "SmsStatus": "received",
        "To": row["recipient"],
        "ToCountry": "US",
    }
    for at, one in enumerate(files):
        form |= {f"MediaUrl{at}": base_url + _file_path(one, account), f"MediaContentType{at}": one["type"]}
    if ":" in row["sender"]:
        form |= {"ProfileName": "A citizen", "WaId": row["sender"].rpartition("+")[2]}
    return form | ({"OptOutType": word} if word else {})


def receipt(row: Row, account: str) -> dict[str, str]:
    """The form that a status callback carries."""
    form = {
        "AccountSid": account,
        "ApiVersion": VERSION,
        "From": row["sender"],
        "MessageSid": row["sid"],
        "MessageStatus": row["status"],
        "SmsSid": row["sid"],
        "SmsStatus": row["status"],
        "To": row["recipient"],
    }
    return form | ({"ErrorCode": row["error_code"]} if row["error_code"] else {})


def error(status: int, code: int, words: str) -> dict[str, Any]:
    return {"code": code, "message": words, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}


def segments(text: str) -> int:
    """Parts in which the network carries a text: packed whole characters, 160 or 70 units alone, 153 or 67 joined."""
    if all(char in PLAIN or char in DOUBLE for char in text):
        alone, joined, sizes = 160, 153, [2 if char in DOUBLE else 1 for char in text]
    else:
        alone, joined, sizes = 70, 67, [2 if ord(char) > 0xFFFF else 1 for char in text]
    if sum(sizes) <= alone:
        return 1
    parts, used = 1, 0
    for size in sizes:
        if used + size > joined:
            parts, used = parts + 1, 0
        used += size
    return parts


def _rfc2822(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
