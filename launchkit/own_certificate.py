"""The certificate that shows who one is, from files."""

import ssl
from pathlib import Path


def show_certificate(context: ssl.SSLContext, cert: str | Path, key: str | Path | None) -> None:
    """Have *context* show a certificate. Nobody is asked for a pass phrase: there may be nobody.

    :raises OSError: if the files are none, or do not fit, or the key has a pass phrase.
    """
    try:
        context.load_cert_chain(cert, key, _no_pass_phrase)
    except ValueError as exc:  # of what no path can be
        raise OSError(str(exc)) from exc


def _no_pass_phrase() -> str:
    raise OSError(
        "the key has a pass phrase, which nobody is asked for:"
        " `openssl pkey -in KEY -out NEW` writes it without one"
    )
