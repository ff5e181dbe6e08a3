"""Mail inside a signature or under a cipher: what can be shown is shown, as signed but not verified."""

import re

from asn1crypto import cms  # type: ignore[import-untyped]  # ships no types

SIZE = 40 * 1024 * 1024
PKCS7 = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
SIGNALS = {
    "application/pgp-encrypted": "encrypted",
    "application/pgp-signature": "signed_not_verified",
    "application/pkcs7-signature": "signed_not_verified",
    "application/x-pkcs7-signature": "signed_not_verified",
    "message/partial": "incomplete",
    "message/external-body": "content_elsewhere",
}
CONTENTS = {"signed_data": "signed_not_verified", "compressed_data": "not_opened"}
ARMOUR = "-----BEGIN PGP "
SIGNED = f"{ARMOUR}SIGNED MESSAGE-----"
SIGNATURE = f"{ARMOUR}SIGNATURE-----"
SIGNATURE_END = "-----END PGP SIGNATURE-----"
DASHES = re.compile(r"^- (?=-)", re.M)


def is_pkcs7(kind: str, name: str) -> bool:
    """Some servers forget the type and leave the name (RFC 8551 section 3.2.1)."""
    return kind in PKCS7 or (kind == "application/octet-stream" and name.lower().endswith(".p7m"))


def opened(data: bytes, described: str) -> tuple[bytes | None, str]:
    """(the mail inside, the signal) of a PKCS #7 part (RFC 5652). ``described``: its Content-Type, for bytes that cannot be read."""
    try:
        whole = cms.ContentInfo.load(data[:SIZE])
        kind = str(whole["content_type"].native)
        if kind != "signed_data":
            return None, CONTENTS.get(kind, "encrypted")
        inside = whole["content"]["encap_content_info"]["content"].native
        return (inside if isinstance(inside, bytes) and inside else None), CONTENTS[kind]
    except Exception:  # the reader raises many things on bytes that are no PKCS #7, RecursionError among them
        return None, "signed_not_verified" if "signed" in described.lower() else "encrypted"


def signal(kind: str) -> str:
    """What the agent must be told of a part nobody here can open, or that was not checked."""
    return SIGNALS.get(kind, "")


def unarmoured(text: str) -> tuple[str, str]:
    """(the words, the signal) of a text with PGP armour in it (RFC 9580 section 7)."""
    if ARMOUR not in text:
        return text, ""
    if f"{ARMOUR}MESSAGE-----" in text:
        return text, "encrypted"
    before, begin, rest = text.partition(SIGNED)
    signed, signature, after = rest.partition(SIGNATURE)
    if not begin or not signature:
        return text, ""
    words = signed.replace("\r\n", "\n").partition("\n\n")[2]  # behind "Hash: SHA256" and an empty line
    shown = (before.strip(), DASHES.sub("", words).strip(), after.partition(SIGNATURE_END)[2].strip())
    return "\n\n".join(part for part in shown if part), "signed_not_verified"
