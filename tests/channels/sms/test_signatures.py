"""Only what Twilio signed for this number gets in; everything else is refused in the same way."""

import json
from dataclasses import replace

import pytest

from channels.base import BadSignature, Form, Inbox, WebhookRequest
from channels.sms import Sms
from tests.channels.contract import TOOLS
from tests.channels.sms.recordings import ACCOUNT, OLD_TOKEN, OURS, STATUS, TEXT, TOKEN
from tests.channels.sms.signing import BASE, HEADER, Pairs, as_json, body_hash, request, signature, signed

SETTINGS = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": f"{TOKEN}, {OLD_TOKEN}"}


def sms(**more: str) -> Sms:
    made = Sms.from_env(SETTINGS | more, TOOLS)
    assert made is not None
    return made


def refused(asked: WebhookRequest) -> None:
    with pytest.raises(BadSignature):
        sms().verify(asked)


def changed(fields: dict[str, str], **changes: str | None) -> Pairs:
    return [(name, value) for name, value in (fields | changes).items() if value is not None]


@pytest.mark.parametrize("token", [TOKEN, OLD_TOKEN])
def test_both_tokens_count_while_they_rotate(token: str) -> None:
    sms().verify(signed(token=token))
    refused(signed(token="a third one"))


def test_a_receipt_is_let_in_with_our_id_in_its_url() -> None:
    asked = signed(list(STATUS.items()), "status", "m=01890a5d-ac96-774b-bcce-b302099a8057")
    sms().verify(asked)
    refused(replace(asked, url=asked.url.replace("01890a5d", "01890a5e")))


@pytest.mark.parametrize("base", [f"{BASE}:443", f"{BASE}:8443", "http://desk.riverton.example:8000"])
def test_a_port_in_the_url_does_no_harm(base: str) -> None:
    sms().verify(signed(base=base))


def test_twilio_may_sign_with_the_default_port_though_our_url_has_none() -> None:
    url = f"{BASE}/channels/sms/main/messages"
    pairs = list(TEXT.items())
    sms().verify(request(url, "messages", pairs, signature(url.replace(".example", ".example:443"), pairs)))


def test_fields_we_never_heard_of_and_blank_ones_are_welcome() -> None:
    sms().verify(signed(changed(TEXT, CarrierMood="good", Nothing="", Body="")))


def test_repeats_of_unknown_fields_are_welcome() -> None:
    sms().verify(signed([*TEXT.items(), ("AddOn", "a"), ("AddOn", "b")]))


@pytest.mark.parametrize(
    "name",
    ["AccountSid", "MessageSid", "From", "To", "Body", "OptOutType", "NumMedia", "MediaUrl0", "MediaContentType9"],
)
@pytest.mark.parametrize("same", [True, False])
def test_a_repeated_field_that_we_read_is_refused(name: str, same: bool) -> None:
    value = TEXT.get(name, "STOP")
    refused(
        signed(
            [
                *changed(TEXT, OptOutType="STOP", MediaUrl0="STOP", MediaContentType9="STOP"),
                (name, value if same else "other"),
            ]
        )
    )


@pytest.mark.parametrize("name", ["AccountSid", "MessageSid", "From", "To", "Body"])
def test_a_field_in_the_query_does_not_stand_for_one_in_the_body(name: str) -> None:
    refused(signed(changed(TEXT, **{name: None}), query=f"{name}=x"))
    refused(signed([], query="&".join(f"{field}=x" for field in TEXT)))


def test_moving_the_border_between_name_and_value_is_refused() -> None:
    honest = signed(changed(TEXT, Body="yes, please"))
    shifted = changed(TEXT, Body=None, Bod="yyes, please")
    assert signature(honest.url, shifted) == honest.headers[HEADER], "signs alike: that is the trap"
    refused(request(honest.url, "messages", shifted, honest.headers[HEADER]))


def test_a_missing_signature_is_refused() -> None:
    asked = signed()
    refused(replace(asked, headers={"content-type": "application/x-www-form-urlencoded"}))
    refused(replace(asked, headers={}))


def test_a_signature_that_is_nothing_or_no_text_is_refused() -> None:
    """The official validator raises on these."""
    asked = signed()
    for odd in (None, b"bytes", "", " ", "ñ", "x" * 100_000):
        refused(replace(asked, headers={**asked.headers, HEADER: odd}))  # type: ignore[dict-item]  # that is the point


def test_the_same_body_as_json_or_without_a_type_is_not_a_form() -> None:
    asked = signed()
    for kind in (
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencodedd",
    ):
        refused(replace(asked, headers={**asked.headers, "content-type": kind}))


def test_another_way_than_post_is_refused() -> None:
    for method in ("GET", "PUT", "post", ""):
        refused(replace(signed(), method=method))


def test_a_pool_of_numbers_is_told_apart_by_number() -> None:
    """Every webhook of a pool carries the same messaging service."""
    pool = changed(TEXT, MessagingServiceSid="MG" + "0" * 32)
    sms().verify(signed(pool))
    refused(signed(changed(TEXT, MessagingServiceSid="MG" + "0" * 32, To="+15550100101")))


def test_a_number_of_another_network_is_not_ours() -> None:
    refused(signed(changed(TEXT, To=f"whatsapp:{OURS}", From="whatsapp:+15550100142")))
    with pytest.raises(ValueError):
        sms().canonical(f"whatsapp:{OURS}")
    assert sms().canonical(f"tel:{OURS}") == OURS


def test_the_second_address_takes_the_same_message_under_the_same_key() -> None:
    again = signed(changed(TEXT, ErrorCode="11200", ErrorUrl="https://desk.riverton.example/x"), "fallback")
    sms().verify(again)
    assert sms().key(again) == sms().key(signed())
    refused(signed(changed(TEXT, Body=None), "fallback"))


@pytest.mark.parametrize("query", ["", "bodySHA256=", "bodySHA256=" + "0" * 64])
def test_json_is_refused_whatever_its_signature_covers(query: str) -> None:
    refused(as_json(json.dumps(TEXT).encode(), query))


def test_json_is_refused_even_with_its_hash_as_no_message_comes_that_way() -> None:
    body = json.dumps(TEXT).encode()
    refused(as_json(body, f"bodySHA256={body_hash(body)}"))


def test_a_body_beside_the_form_is_refused() -> None:
    refused(replace(signed(), body=b"Body=something+else"))
    refused(replace(signed(), form=Form([("Body", "something else")])))


def test_another_account_is_refused() -> None:
    refused(signed(changed(TEXT, AccountSid="AC" + "f" * 32)))


def test_another_number_than_the_inbox_has_is_refused() -> None:
    refused(signed(changed(TEXT, To="+15550100101")))
    refused(signed(changed(STATUS, From="+15550100101"), "status"))


def test_a_receipt_is_not_taken_for_a_message() -> None:
    refused(signed(list(STATUS.items()), "messages"))
    refused(signed(list(TEXT.items()), "status"))


def test_the_same_number_may_be_written_in_other_ways() -> None:
    sms().verify(signed(inbox=Inbox(1, "main", "sms", "(555) 010-0100", "Riverton texts")))
    assert sms().canonical("(555) 010-0100") == OURS


@pytest.mark.parametrize("rest", ["", "voice", "messages/"])
def test_other_paths_are_refused(rest: str) -> None:
    refused(signed(rest=rest))


def test_a_lone_surrogate_is_refused() -> None:
    pairs = changed(TEXT, Body="\udcff")
    asked = signed()
    refused(replace(asked, form=Form(pairs), body=b"Body=%ED%B3%BF"))


def test_an_odd_url_is_refused() -> None:
    refused(replace(signed(), url="https://[desk/channels"))
    refused(replace(signed(), url="https://desk.riverton.example:port/"))


def test_the_algorithm_is_a_setting_and_not_the_callers_choice() -> None:
    asked = signed()
    longer = {**asked.headers, HEADER: signature(asked.url, list(TEXT.items()), algorithm="sha256")}
    said = {**longer, "x-twilio-webhooks-signature-settings": "key=k,algorithm=HMAC_SHA256"}
    refused(replace(asked, headers=said))
    sms(TWILIO_SIGNATURE_ALGORITHM="HMAC_SHA256").verify(replace(asked, headers=longer))


def test_keys_tell_news_from_repeats() -> None:
    key = sms().key
    assert key(signed()) == key(signed(changed(TEXT, Body="edited")))
    assert key(signed()) != key(signed(changed(TEXT, MessageSid="SM3")))
    assert key(signed()) != key(signed(changed(TEXT, AccountSid="AC3")))
    statuses = [
        changed(STATUS, MessageStatus=word, ErrorCode=code)
        for word, code in [("sent", None), ("delivered", None), ("undelivered", "30003"), ("undelivered", "30005")]
    ]
    assert len({key(signed(pairs, "status")) for pairs in statuses}) == 4


def test_the_answer_is_an_empty_twiml_document() -> None:
    reply = sms().reply(signed())
    assert (reply.status, reply.body) == (200, b"<Response/>")
    assert reply.content_type.startswith("text/xml")
