"""A certificate, and its key with a pass phrase that no program knows."""

from pathlib import Path

CERT = """\
-----BEGIN CERTIFICATE-----
MIIBfzCCASWgAwIBAgIUenOwszugQY2KE2wrMVgk4rYSgPAwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEzMDA0NDEzNloYDzIxMjYxMTA2
MDQ0MTM2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAStT+SW+8bh8wnbnNWautB1JF8vL81mJeGLqhe/J61gv/Ma+tNwLEaj
l+eLefBPD3YR3uPZa2UUzEJGzibCnrz0o1MwUTAdBgNVHQ4EFgQUpq/4d8wffqDK
S/pX2fpUHpzfj/gwHwYDVR0jBBgwFoAUpq/4d8wffqDKS/pX2fpUHpzfj/gwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiA+hN7UY+DFr/rn8OM+IMg3
F6wTwXAuUd68gRIWaZdb9AIhAMWdc+P4MT0aHtasxsm5gwiht264BwKa4Z0Z5gRb
8Xve
-----END CERTIFICATE-----
"""
KEY = """\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjfkGO+tyMcRwICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEC8o/K78kSXWug/5lK+tXHMEgZA5
32TwLhw3/QwBbrTiG5eYyfHMEDf5Z7nEeAe1U5OAl8WMott+/R48y+l4bQe+z4z/
5Tkc0sx9rYqwx/GIsIosxFJ9IfDDAcVCUpYC9qbLJKwS1s8r9rL6nCD+fnKv5O3p
Vr1WiMCZxzrw/Xng27Fc5dRd344k/IqQKctQ6Y2cY3V55yFmEOq5iU4dNwxIbiE=
-----END ENCRYPTED PRIVATE KEY-----
"""
SAID = "the key has a pass phrase, which nobody is asked for"


def with_pass_phrase(folder: Path) -> tuple[Path, Path]:
    """The files of both."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    cert.write_text(CERT)
    key.write_text(KEY)
    return cert, key
