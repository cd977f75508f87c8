"""Tokens as docs/tokens.md describes them, with nothing but Python's standard library.

Written from that page alone, to show that the page is enough. Reads one JSON request a line and
writes one JSON answer a line:

  {"op": "key", "export"}                                      -> {"id", "tenantId", "slot", sub-keys as hex}
  {"op": "signReturnPath", "export", "claim"}                  -> the local part
  {"op": "readReturnPath", "export", "domain", "localPart"}    -> what it says, or null
  {"op": "seal", "export", "content"}                          -> the token
  {"op": "open", "export", "token"}                            -> what it says, or null
  {"op": "messageReference", "text"}                           -> 16 hex digits
"""
import base64
import hashlib
import hmac
import json
import re
import struct
import sys

PURPOSES = ["reference", "unsubscribe", "preferences"]


def mac(key, content):
    return hmac.new(key, content, hashlib.sha256).digest()


# RFC 5869
def hkdf(root, label, length):
    pseudorandom_key = mac(bytes(32), root)
    output, block = b"", b""
    for counter in range(1, 256):
        if len(output) >= length:
            break
        block = mac(pseudorandom_key, block + label + bytes([counter]))
        output += block
    return output[:length]


# FIPS 197, encryption only: counter mode needs no more.
def make_sbox():
    sbox, p, q = [0] * 256, 1, 1
    while True:
        p = p ^ ((p << 1) & 0xFF) ^ (0x1B if p & 0x80 else 0)
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xFF
        if q & 0x80:
            q ^= 0x09
        turned = q
        for bits in range(1, 5):
            turned ^= ((q << bits) | (q >> (8 - bits))) & 0xFF
        sbox[p] = turned ^ 0x63
        if p == 1:
            break
    sbox[0] = 0x63
    return sbox


SBOX = make_sbox()


def double(byte):
    return ((byte << 1) ^ (0x1B if byte & 0x80 else 0)) & 0xFF


def expand_key(key):
    words = [list(key[i : i + 4]) for i in range(0, 32, 4)]
    rcon = 1
    for i in range(8, 60):
        word = list(words[i - 1])
        if i % 8 == 0:
            word = [SBOX[b] for b in word[1:] + word[:1]]
            word[0] ^= rcon
            rcon = double(rcon)
        elif i % 8 == 4:
            word = [SBOX[b] for b in word]
        words.append([a ^ b for a, b in zip(words[i - 8], word)])
    return [sum(words[i : i + 4], []) for i in range(0, 60, 4)]


def encrypt_block(round_keys, block):
    state = [a ^ b for a, b in zip(block, round_keys[0])]
    for number, round_key in enumerate(round_keys[1:], start=1):
        state = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if number < 14:
            mixed = []
            for column in range(0, 16, 4):
                a = state[column : column + 4]
                every = a[0] ^ a[1] ^ a[2] ^ a[3]
                mixed += [a[i] ^ every ^ double(a[i] ^ a[(i + 1) % 4]) for i in range(4)]
            state = mixed
        state = [a ^ b for a, b in zip(state, round_key)]
    return bytes(state)


def aes_256_ctr(key, iv, content):
    round_keys, counter, output = expand_key(key), int.from_bytes(iv, "big"), b""
    for at in range(0, len(content), 16):
        stream = encrypt_block(round_keys, counter.to_bytes(16, "big"))
        output += bytes(a ^ b for a, b in zip(content[at : at + 16], stream))
        counter = (counter + 1) % (1 << 128)
    return output


def base64url(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def from_base64url(text):
    """None unless the text is spelt as encoding spells it."""
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return content if base64url(content) == text else None


class Key:
    def __init__(self, export):
        match = re.fullmatch(r"(hbk1\.(\d+)\.(\d+)\.(\d+)\.([A-Za-z0-9_-]{43}))\.([0-9a-f]{8})", export)
        if not match or hashlib.sha256(match[1].encode()).hexdigest()[:8] != match[6]:
            raise ValueError("not an exported key")
        self.id, self.tenant, self.slot = int(match[2]), int(match[3]), int(match[4])
        root = from_base64url(match[5])
        self.rp_mac = hkdf(root, b"rp-mac", 32)
        self.rp_digest = hkdf(root, b"rp-digest", 32)
        seal = hkdf(root, b"seal", 64)
        self.k1, self.k2 = seal[:32], seal[32:]


def return_path_mac(key, domain, content):
    context = b"hearback return-path 1\0" + domain.encode() + b"\0b"
    return mac(key.rp_mac, context + content)[:10]


def sign_return_path(key, claim):
    content = struct.pack(">BIH", key.slot, key.tenant, claim["day"])
    content += bytes.fromhex(claim["messageReference"] or "")
    content += mac(key.rp_digest, claim["recipient"].encode())[:8]
    content += return_path_mac(key, claim["domain"], content)
    return "b" + base64.b32encode(content).decode().rstrip("=").lower()


def read_return_path(key, domain, local_part):
    if not re.fullmatch(r"[bB](?:[a-zA-Z2-7]{40}|[a-zA-Z2-7]{53})", local_part):
        return None
    text = local_part[1:].upper()
    content = base64.b32decode(text + "=" * (-len(text) % 8))
    if base64.b32encode(content).decode().rstrip("=") != text:
        return None
    content, found = content[:-10], content[-10:]
    slot, tenant, day = struct.unpack(">BIH", content[:7])
    if (slot, tenant) != (key.slot, key.tenant):
        return None
    if not hmac.compare_digest(found, return_path_mac(key, domain, content)):
        return None
    reference = content[7:-8]
    return {
        "tenantId": tenant,
        "day": day,
        "messageReference": reference.hex() or None,
        "digest": content[-8:].hex(),
    }


def synthetic_iv(key, key_id, content):
    return mac(key.k1, b"hearback sealed 1\0" + key_id + content)[:16]


def seal(key, content):
    reference = bytes.fromhex(content["messageReference"] or "")
    groups = content["groupsToDisplay"]
    purpose = PURPOSES.index(content["purpose"]) + 1
    plain = struct.pack(">BIHI", purpose, content["tenantId"], content["day"], content["groupId"] or 0)
    plain += bytes([len(reference)]) + reference
    plain += bytes([len(groups)]) + b"".join(struct.pack(">I", group) for group in groups)
    plain += content["recipient"].encode()
    key_id = struct.pack(">I", key.id)
    iv = synthetic_iv(key, key_id, plain)
    return "hb1_" + base64url(key_id + iv + aes_256_ctr(key.k2, iv, plain))


def open_sealed(key, token):
    if not token.startswith("hb1_"):
        return None
    sealed = from_base64url(token[4:])
    if sealed is None or len(sealed) < 20 or sealed[:4] != struct.pack(">I", key.id):
        return None
    iv = sealed[4:20]
    plain = aes_256_ctr(key.k2, iv, sealed[20:])
    if not hmac.compare_digest(iv, synthetic_iv(key, sealed[:4], plain)):
        return None
    purpose, tenant, day, group = struct.unpack(">BIHI", plain[:11])
    at = 12 + plain[11]
    reference = plain[12:at]
    groups_end = at + 1 + 4 * plain[at]
    groups = [group for (group,) in struct.iter_unpack(">I", plain[at + 1 : groups_end])]
    if not 1 <= purpose <= 3 or len(reference) not in (0, 8) or tenant != key.tenant:
        return None
    return {
        "purpose": PURPOSES[purpose - 1],
        "tenantId": tenant,
        "day": day,
        "groupId": group or None,
        "groupsToDisplay": groups,
        "messageReference": reference.hex() or None,
        "recipient": plain[groups_end:].decode(),
    }


def message_reference(text):
    if re.fullmatch("[0-9a-f]{16}", text):
        return text
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def answer(request):
    op = request["op"]
    if op == "messageReference":
        return message_reference(request["text"])
    key = Key(request["export"])
    if op == "key":
        sub_keys = {"rp-mac": key.rp_mac, "rp-digest": key.rp_digest, "seal": key.k1 + key.k2}
        return {label: value.hex() for label, value in sub_keys.items()}
    if op == "signReturnPath":
        return sign_return_path(key, request["claim"])
    if op == "readReturnPath":
        return read_return_path(key, request["domain"], request["localPart"])
    if op == "seal":
        return seal(key, request["content"])
    return open_sealed(key, request["token"])


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))))
