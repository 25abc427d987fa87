"""Signatures of callbacks, as each vendor makes them: with a secret, and with a key pair."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from batchvid.runner.callbacks.key_sets import is_made_by
from batchvid.runner.callbacks.signatures import (
    atlas_text,
    check_stamped,
    check_standard_webhook,
    fal_text,
    is_recent,
    public_keys,
)

NOW_S = 1_800_000_000
BODY = b'{"id": "t-1", "status": "succeeded"}'
KEY = b"a secret of twenty-four b"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
PAIR = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PAIR.public_key().public_bytes_raw()


def standard(body: bytes = BODY, stamp: int = NOW_S, key: bytes = KEY) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    digest = hmac.new(key, b"msg_1." + str(stamp).encode() + b"." + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": "msg_1", "webhook-timestamp": str(stamp), "webhook-signature": signature}


def test_a_published_example_is_accepted() -> None:
    """That of the Standard Webhooks specification's reference libraries."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert check_standard_webhook(headers, b'{"test": 2432232314}', secret, 1_614_265_330)
    assert not check_standard_webhook(headers, b'{"test": 2432232315}', secret, 1_614_265_330)


def test_standard_webhooks() -> None:
    """One of several signatures is enough; body, id, time and secret all count."""
    good = standard()
    assert check_standard_webhook(good, BODY, SECRET, NOW_S)
    several = {**good, "webhook-signature": f"v1,AAAA v1a,zz {good['webhook-signature']}"}
    assert check_standard_webhook(several, BODY, SECRET, NOW_S)
    assert check_standard_webhook(standard(key=b"plain-words!"), BODY, "plain-words!", NOW_S)
    for wrong in (
        {**good, "webhook-id": "msg_2"},
        {**good, "webhook-timestamp": str(NOW_S + 1)},
        {**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v2,")},
        {**good, "webhook-signature": ""},
        {},
        standard(key=b"another"),
    ):
        assert not check_standard_webhook(wrong, BODY, SECRET, NOW_S)
    assert not check_standard_webhook(good, BODY + b" ", SECRET, NOW_S)


@pytest.mark.parametrize(("age_s", "is_fine"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_a_time_counts_for_five_minutes(age_s: int, is_fine: bool) -> None:
    """In both directions, in every scheme."""
    assert is_recent(str(NOW_S), NOW_S + age_s) is is_fine
    assert check_standard_webhook(standard(), BODY, SECRET, NOW_S + age_s) is is_fine
    assert check_stamped(stamped(b","), BODY, "secret", NOW_S + age_s, b",") is is_fine
    assert (fal_text(fal(), BODY, NOW_S + age_s) is not None) is is_fine


@pytest.mark.parametrize("stated", ["", "1e9", "-5", "٣", "1" * 13, "1800000000.0"])
def test_a_time_is_a_whole_number(stated: str) -> None:
    """Anything else is not read."""
    assert not is_recent(stated, NOW_S)


def stamped(separator: bytes, body: bytes = BODY) -> str:
    """`t=,v1=`."""
    return f"t={NOW_S},v1={hmac.new(b'secret', f'{NOW_S}'.encode() + separator + body, hashlib.sha256).hexdigest()}"


def test_the_separator_of_a_stamped_signature_counts() -> None:
    """A comma at OpenRouter, a dot at LLMGateway; one time only."""
    for separator, other in ((b",", b"."), (b".", b",")):
        assert check_stamped(stamped(separator), BODY, "secret", NOW_S, separator)
        assert check_stamped(f"{stamped(separator)},v1=00", BODY, "secret", NOW_S, separator)
        assert not check_stamped(stamped(separator), BODY, "secret", NOW_S, other)
        assert not check_stamped(stamped(separator), b"{}", "secret", NOW_S, separator)
        assert not check_stamped(f"t=1,{stamped(separator)}", BODY, "secret", NOW_S, separator)
    for wrong in ("", "t=", "v1=00", f"t={NOW_S}", f"t={NOW_S},v1=zz"):
        assert not check_stamped(wrong, BODY, "secret", NOW_S, b",")


def fal() -> dict[str, str]:
    """fal's headers: hex over lines."""
    text = f"r-1\nu-1\n{NOW_S}\n{hashlib.sha256(BODY).hexdigest()}".encode()
    values = {"request-id": "r-1", "user-id": "u-1", "timestamp": str(NOW_S), "signature": PAIR.sign(text).hex()}
    return {f"x-fal-webhook-{name}": value for name, value in values.items()}


def test_fal_signs_lines() -> None:
    """Each of the four counts; a header that is missing is no signature."""
    signed = fal_text(fal(), BODY, NOW_S)
    assert signed is not None
    assert is_made_by(PUBLIC, signed)
    for name, value in (("user-id", "u-2"), ("request-id", "r-2"), ("timestamp", str(NOW_S + 1)), ("signature", "zz")):
        other = fal_text({**fal(), f"x-fal-webhook-{name}": value}, BODY, NOW_S)
        assert other is not None
        assert not is_made_by(PUBLIC, other)
    tampered = fal_text(fal(), BODY + b" ", NOW_S)
    assert tampered is not None
    assert not is_made_by(PUBLIC, tampered)
    assert fal_text({}, BODY, NOW_S) is None


def test_atlas_names_its_key() -> None:
    """The header for Ed25519 counts before the bare one."""
    signature = base64.urlsafe_b64encode(PAIR.sign(f"{NOW_S}.".encode() + BODY)).decode()
    prefix = "x-atlascloud-webhook"
    headers = {f"{prefix}-timestamp": str(NOW_S), f"{prefix}-key-id": "k1", f"{prefix}-signature": "0" * 64}
    for header in (f"{prefix}-signature-ed25519", f"{prefix}-signature"):
        signed = atlas_text({**headers, header: signature.rstrip("=")}, BODY, NOW_S)
        assert signed is not None
        assert signed.key_id == "k1"
        assert is_made_by(PUBLIC, signed)
    older = atlas_text(headers, BODY, NOW_S)
    assert older is not None
    assert not is_made_by(PUBLIC, older)


@pytest.mark.parametrize("padding", ["", "="])
def test_keys_are_read_padded_or_not(padding: str) -> None:
    """Other kinds of keys, and what is no key set, are left out."""
    x = base64.urlsafe_b64encode(PUBLIC).decode().rstrip("=") + padding
    rows: list[Any] = [
        {"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": x},
        {"kty": "RSA", "kid": "k2"},
        {"kty": "OKP", "crv": "Ed25519", "kid": "k3", "x": "short"},
        3,
    ]
    assert public_keys({"keys": rows}) == {"k1": PUBLIC}
    unusable: tuple[Any, ...] = ({}, {"keys": 3}, [], None, 3)
    assert [public_keys(document) for document in unusable] == [{}] * 5
