"""A key pair for signing test mail, made afresh: no key lies in the repository."""

import random
from base64 import b64encode
from functools import cache

from asn1crypto import keys, pem  # type: ignore[import-untyped]  # ships no types

BITS = 1024


@cache
def key_pair() -> tuple[bytes, bytes]:
    """(private key as PEM, the DNS record that publishes the other half)."""
    e = 65537
    while True:
        p, q = prime(BITS // 2), prime(BITS // 2)
        if p != q and (p - 1) % e and (q - 1) % e:
            break
    d = pow(e, -1, (p - 1) * (q - 1))
    private = keys.RSAPrivateKey(
        {"version": 0, "modulus": p * q, "public_exponent": e, "private_exponent": d, "prime1": p, "prime2": q,
         "exponent1": d % (p - 1), "exponent2": d % (q - 1), "coefficient": pow(q, -1, p)}
    )  # fmt: skip
    public = keys.PublicKeyInfo.wrap(keys.RSAPublicKey({"modulus": p * q, "public_exponent": e}), "rsa")
    record = b"v=DKIM1; k=rsa; p=" + b64encode(public.dump())
    armoured: bytes = pem.armor("RSA PRIVATE KEY", private.dump())
    return armoured, record


def prime(bits: int) -> int:
    while True:
        n = random.getrandbits(bits) | (3 << (bits - 2)) | 1
        if all(n % small for small in (3, 5, 7, 11, 13, 17, 19, 23)) and all(passes(n) for _ in range(20)):
            return n


def passes(n: int) -> bool:
    """One round of Miller and Rabin."""
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    x = pow(random.randrange(2, n - 1), odd, n)
    if x in (1, n - 1):
        return True
    return any((x := x * x % n) == n - 1 for _ in range(twos - 1))
