"""What Twilio publishes about its API, and whether a request or an answer keeps to it."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

FACTS: Mapping[str, Any] = json.loads(Path(__file__).with_name("twilio_facts.json").read_text("utf-8"))


def check_request(operation: str, method: str, target: str, body: str) -> dict[str, str]:
    """The parameters of a request, if it is this operation as published."""
    known = FACTS["operations"][operation]
    path, _, query = target.partition("?")
    assert method == known["method"]
    assert re.search(known["path"], path), path
    sent = dict(parse_qsl(body if method == "POST" else query, keep_blank_values=True))
    assert set(sent) <= set(known["parameters"])
    assert set(known["required"]) <= set(sent)
    return sent


def check_message(one: Mapping[str, Any]) -> None:
    assert sorted(one) == sorted(FACTS["message"])
    assert re.search(FACTS["message_sid"], one["sid"])
    assert re.search(FACTS["account_sid"], one["account_sid"])
    assert one["status"] in FACTS["statuses"]
    assert one["direction"] in FACTS["directions"]
    for name in ("date_created", "date_updated", "date_sent"):
        assert one[name] is None or datetime.strptime(one[name], FACTS["date"])
    assert one["error_code"] is None or isinstance(one["error_code"], int)
    assert re.search(FACTS["operations"]["fetch"]["path"], one["uri"])
    assert re.search(FACTS["operations"]["list_media"]["path"], one["subresource_uris"]["media"])
    for name in ("num_media", "num_segments"):
        assert one[name].isdigit(), "numbers travel as text"


def check_media(one: Mapping[str, Any]) -> None:
    assert sorted(one) == sorted(FACTS["media"])
    assert re.search(FACTS["media_sid"], one["sid"])
    assert re.search(FACTS["message_sid"], one["parent_sid"])
    assert datetime.strptime(one["date_created"], FACTS["date"])
    assert one["uri"].endswith(f"/Messages/{one['parent_sid']}/Media/{one['sid']}.json")


def check_page(page: Mapping[str, Any], name: str, path: str) -> None:
    assert sorted(page) == sorted([*FACTS["page"], name])
    assert page["page_size"] <= FACTS["largest_page"]
    for link in ("uri", "first_page_uri", "next_page_uri", "previous_page_uri"):
        assert page[link] is None or page[link].startswith(path), "relative to the API's own address"
    assert len(page[name]) <= page["page_size"]


def check_error(body: Mapping[str, Any], status: int) -> None:
    assert sorted(body) == sorted(FACTS["error"])
    assert body["status"] == status
    assert isinstance(body["code"], int)
