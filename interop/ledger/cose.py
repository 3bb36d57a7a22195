"""scitt-cose judges the COSE receipts of a transparent statement, intact and altered."""
import base64
import hashlib
import sys
import tomllib

import cbor2
from cryptography.hazmat.primitives import serialization
from scitt_cose.receipt import verify_receipt
from scitt_cose.statement import parse_signed_statement

RECEIPTS, KEY_ID = 394, 4


def pem(spki: bytes) -> bytes:
    key = serialization.load_der_public_key(spki)
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


bundle = cbor2.loads(open(sys.argv[1], "rb").read())
ledger = tomllib.load(open(sys.argv[2], "rb"))["ledger"]
protected, unprotected, payload, signature = bundle.value
# The record as it was hashed: the same COSE_Sign1 with an empty unprotected header.
record = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))
entry = hashlib.sha256(b"KONFIDO/v1/leaf" + record).hexdigest()

keys = {}
for member in ledger["members"]:
    for key in member["evidence"]:
        spki = base64.b64decode(key["spki"])
        keys[hashlib.sha256(spki).digest()[:8]] = (member["country"], pem(spki))

held = set()
for receipt in unprotected[RECEIPTS]:
    country, key = keys[cbor2.loads(cbor2.loads(receipt).value[0])[KEY_ID]]
    result = verify_receipt(receipt, leaf_entry_hex=entry, log_public_key_pem=key)
    assert result.ok, (country, result)
    held.add(country)
    wrong = verify_receipt(receipt, leaf_entry_hex="00" * 32, log_public_key_pem=key)
    assert not wrong.ok, "a receipt held for another entry"
    altered = bytearray(receipt)
    altered[-1] ^= 1
    assert not verify_receipt(bytes(altered), leaf_entry_hex=entry, log_public_key_pem=key).ok, "altered"
quorum = len(ledger["members"]) - (len(ledger["members"]) - 1) // 3
assert len(held) >= quorum, held

country, key = keys[cbor2.loads(protected)[KEY_ID]]
parse_signed_statement(record, public_key_pem=key)
print(f"  scitt-cose: receipts of {', '.join(sorted(held))} hold, the statement of {country} too; altered ones do not")
