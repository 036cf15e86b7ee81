"""The keys of a cluster: its certificate authority, the API server's certificate, and tokens."""

import secrets
import subprocess
from pathlib import Path

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30")
NAMES = "subjectAltName=DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1"
ADMIN = "admin"
USERS = (ADMIN, "agent", "nobody")
"""Only the administrator has rights from the beginning."""


def make_keys(folder: Path) -> None:
    """Write `ca.crt`, `server.crt` and `server.key`, and `accounts.key` for service accounts."""
    authority = ("-CA", folder / "ca.crt", "-CAkey", folder / "ca.key")
    use = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _certificate(folder, "ca", *use)
    leaf = ("-addext", "basicConstraints=critical,CA:FALSE", "-addext", NAMES)
    _certificate(folder, "server", *authority, *leaf)
    key = ("ecparam", "-name", "prime256v1", "-genkey", "-noout")  # the one form that is read
    _openssl(*key, "-out", folder / "accounts.key")


def make_tokens(file: Path) -> dict[str, str]:
    """Write the file of tokens that an API server reads when it starts; gives them by user."""
    tokens = {user: secrets.token_hex(16) for user in USERS}
    lines = [f"{token},{user},{user}," for user, token in tokens.items()]
    lines[USERS.index(ADMIN)] += "system:masters"
    file.write_text("\n".join(lines) + "\n")
    return tokens


def _certificate(folder: Path, name: str, *more: str | Path) -> None:
    places = ("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt")
    _openssl("req", "-x509", *KEY, "-subj", f"/CN={name}", *places, *more)


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(("openssl", *arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
