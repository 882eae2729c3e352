"""Prints the key set and the tokens of another identity provider, as JSON. Needs PyJWT and cryptography.

usage: provider.py ISSUER AUDIENCE
"""

import base64
import hashlib
import hmac
import json
import sys
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER, AUDIENCE = sys.argv[1:]
NOW = int(time.time())
KEYS = {
    "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ec": ec.generate_private_key(ec.SECP256R1()),
    "ed": ed25519.Ed25519PrivateKey.generate(),
    "p384": ec.generate_private_key(ec.SECP384R1()),
}
KINDS = {"rsa": RSAAlgorithm, "ec": ECAlgorithm, "ed": OKPAlgorithm, "p384": ECAlgorithm}


def jwk(kid):
    key = json.loads(KINDS[kid].to_jwk(KEYS[kid].public_key()))
    return {"kid": kid, "use": "sig", **{name: key[name] for name in key if name != "key_ops"}}


def claims(roles, sub, **changes):
    """As Keycloak has them: roles below realm_access, several audiences, a jti that is no UUID, no nbf."""
    all_claims = {
        "iss": ISSUER,
        "aud": [AUDIENCE, "account"],
        "sub": sub,
        "typ": "Bearer",
        "azp": "web",
        "exp": NOW + 300,
        "iat": NOW,
        "jti": "onrtac:0190a5c4",
        "sid": "a session of the provider",
        "scope": "openid profile",
        "realm_access": {"roles": roles},
    }
    all_claims.update(changes)
    return {name: value for name, value in all_claims.items() if value is not None}


def signed(kid, algorithm, payload, header_kid=None, typ="JWT"):
    return jwt.encode(payload, KEYS[kid], algorithm, headers={"kid": header_kid or kid, "typ": typ})


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hs256(kid, secret):
    """By hand: PyJWT refuses a public key as secret."""
    header = json.dumps({"alg": "HS256", "typ": "JWT", "kid": kid}).encode()
    text = url64(header) + "." + url64(json.dumps(claims(["ADMIN"], "mallory")).encode())
    return text + "." + url64(hmac.new(secret, text.encode(), hashlib.sha256).digest())


def pem(kid):
    return KEYS[kid].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


USER = claims(["offline_access", "user"], "f:42:ada")
ADMIN = claims(["default-roles-shop", "USER", "Admin"], "auth0|boss", jti=None, aud=AUDIENCE)

print(json.dumps({
    "jwks": {"keys": [jwk(kid) for kid in KEYS] + [
        {"kid": "enc", "kty": "RSA", "use": "enc", "alg": "RSA-OAEP", "n": jwk("rsa")["n"], "e": "AQAB"},
        {"kid": "unheard-of", "kty": "AKP", "alg": "ML-DSA-44", "pub": "AQAB"},
        {"kid": "secret", "kty": "oct", "k": url64(b"a secret that everybody can read")},
    ]},
    "user": {
        "RS256": signed("rsa", "RS256", USER),
        "ES256": signed("ec", "ES256", claims(["user"], "f:42:ada", iat=None, jti=None, scope=None)),
        "EdDSA": signed("ed", "EdDSA", claims(["USER"], "f:42:ada", nbf=NOW)),
    },
    "admin": {
        "RS256": signed("rsa", "RS256", ADMIN),
        "ES256": signed("ec", "ES256", ADMIN),
        "EdDSA": signed("ed", "EdDSA", ADMIN),
    },
    "refused": {
        "HS256 with the RSA key as PEM": hs256("rsa", pem("rsa")),
        "HS256 with the EC key as PEM": hs256("ec", pem("ec")),
        "HS256 with the Ed25519 key": hs256("ed", KEYS["ed"].public_key().public_bytes_raw()),
        "HS256 with a key of the set": hs256("secret", b"a secret that everybody can read"),
        "no signature": jwt.encode(ADMIN, None, "none", headers={"kid": "rsa", "typ": "JWT"}),
        "RS512, which is not allowed": signed("rsa", "RS512", ADMIN),
        "PS256, which is not allowed": signed("rsa", "PS256", ADMIN),
        "ES384, which is not allowed": signed("p384", "ES384", ADMIN),
        "the name of another key": signed("ec", "ES256", ADMIN, "rsa"),
        "the name of a key to encrypt with": signed("rsa", "RS256", ADMIN, "enc"),
        "the name of no key": signed("rsa", "RS256", ADMIN, "nobody's"),
        "another type": signed("rsa", "RS256", ADMIN, typ="logout+jwt"),
        "another issuer": signed("rsa", "RS256", claims(["ADMIN"], "boss", iss=ISSUER + "/other")),
        "another audience": signed("rsa", "RS256", claims(["ADMIN"], "boss", aud=["account"])),
        "no audience": signed("rsa", "RS256", claims(["ADMIN"], "boss", aud=None)),
        "no end": signed("rsa", "RS256", claims(["ADMIN"], "boss", exp=None)),
        "an end in two days": signed("rsa", "RS256", claims(["ADMIN"], "boss", exp=NOW + 2 * 86400)),
        "a beginning in an hour": signed("rsa", "RS256", claims(["ADMIN"], "boss", nbf=NOW + 3600, exp=NOW + 7200)),
        "an issue in an hour": signed("rsa", "RS256", claims(["ADMIN"], "boss", iat=NOW + 3600, exp=NOW + 7200)),
        "no role of the shop": signed("rsa", "RS256", claims(["administrator"], "boss")),
        "an ID token of Keycloak": signed("rsa", "RS256", claims(["ADMIN"], "boss", typ="ID")),
        "an ID token with a nonce": signed("rsa", "RS256", claims(["ADMIN"], "boss", typ=None, nonce="n-0S6")),
        "an ID token with a hash": signed("rsa", "RS256", claims(["ADMIN"], "boss", typ=None, at_hash="MTIz")),
    },
    "expired": signed("rsa", "RS256", claims(["ADMIN"], "boss", iat=NOW - 600, exp=NOW - 60)),
}))
