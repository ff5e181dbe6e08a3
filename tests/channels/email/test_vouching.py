"""Mail that no server of ours has stamped: the sender's own signature is asked."""

from dataclasses import replace

import pytest

from channels.base import Inbound, Proof
from channels.email import CHANNEL, parse
from channels.email.signing import Seal
from tests.channels.contract import TOOLS
from tests.channels.email.keys import key_pair
from tests.channels.email.mails import mail, raw

NAME = b"d1._domainkey.lake.example."


async def vouched(body: bytes, records: dict[bytes, bytes], **config: str) -> Inbound:
    channel = CHANNEL.from_env({"SMTP_RELAY": "127.0.0.1:1"}, TOOLS)
    assert channel is not None
    channel._records = lambda name: records.get(name)
    stored = raw(body)
    stored = replace(stored, inbox=replace(stored.inbox, config=config))
    (item,) = parse(stored)
    assert isinstance(item, Inbound)
    return await channel.vouched(stored, item)


def signed(domain: bytes = b"lake.example") -> bytes:
    return Seal(domain, b"d1", key_pair()[0]).sign(mail("My bins were not emptied.", to="help@riverton.example"))


async def test_a_good_signature_of_the_senders_domain_proves_where_it_comes_from() -> None:
    item = await vouched(signed(), {NAME: key_pair()[1]}, verify_dkim="yes")
    assert (item.auth, item.sender.proof) == ("pass_aligned", Proof.DMARC_ALIGNED)


@pytest.mark.parametrize(
    ("body", "records"),
    [
        (signed() + b"Pay here.\r\n", {NAME: key_pair()[1]}),
        (signed(), {}),
        (signed(b"evil.example"), {b"d1._domainkey.evil.example.": key_pair()[1]}),
        (mail("My bins were not emptied."), {NAME: key_pair()[1]}),
    ],
    ids=["added to", "no key published", "signed by another domain", "not signed"],
)
async def test_anything_less_proves_nothing(body: bytes, records: dict[bytes, bytes]) -> None:
    item = await vouched(body, records, verify_dkim="yes")
    assert (item.auth, item.sender.proof) == ("none", Proof.CLAIMED)


async def test_nothing_is_asked_unless_the_inbox_wants_it() -> None:
    assert (await vouched(signed(), {NAME: key_pair()[1]})).auth == "unknown"
