"""Which addresses of git repositories are accepted, and which commit a name means there."""

import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, unquote_to_bytes, urlsplit

from launchkit.addresses import has_slash_user, holds_secret, masked, masked_address
from launchkit.codec import suggest
from launchkit.errors import Rejected
from launchkit.model import GitSource
from launchkit.shell_words import shell_word

SCHEMES = ("https", "ssh", "file")
CREDENTIAL_HINT = (
    "leave it out of the address and configure a git credential helper where the agent runs"
    " (git config --global credential.helper …), or use ssh"
)

SLASH_HINT = (
    "write the slash of the user as %2F, leave the password out and configure a git credential"
    " helper where the agent runs; in a path write %3A for a colon that has an @ behind it"
)

_SCP_LIKE = re.compile(r"[\w.-]+@[A-Za-z0-9\[][^/\s@]*:[^\s]+")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(//|:)")
_TOKEN = re.compile(
    r"gh[a-z]_|github_pat_|gl[a-z]{2,8}-|hf_|AT[A-Z]{2}|olp_|.{40}"
    r"|(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{20}"
)
"""What services of git call their tokens, and letters with digits that are too many for a name."""
LONGEST = 4_000
"""Characters of an address or a ref; git itself takes no longer path."""
MOST_NAMES = 5_000
"""Among so many one that is like a wrong one is looked for: that takes long."""
_NAMED = ("refs/heads/", "refs/tags/")
_LINE = re.compile(r"^([^\t\n]++)\t([^\n]++)", re.MULTILINE)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HALF = re.compile(r"[\ud800-\udfff]")
"""What stands for a byte that is no text, or for half a character."""
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_ODD_ON_DISK = re.compile(rb"[\x00-\x1f\x7f]")
_BAD_REF = re.compile(r"^-|\.\.|[\x00-\x20\x7f~^:?*\[\\]|@\{|^$|^/|/$")


def looks_like_git(uri: str) -> bool:
    """Whether *uri* names a git repository rather than a path of this machine: a URL, or
    `user@host:path`. True also for addresses that `check_remote` then refuses with the reason.
    """
    return bool(_URL.match(uri) or _SCP_LIKE.fullmatch(uri))


def check_remote(remote: str) -> None:
    """Look whether a repository's address is one that launchkit fetches from.

    :raises Rejected: if not; what the address holds of credentials is never repeated.
    """
    _require_text("remote", remote)
    shown = masked_address(remote)
    if remote.startswith("-") or _CONTROL.search(remote):
        raise Rejected(
            f"git remote {shown!r}: a dash in front, spaces and control characters"
            " cannot be part of an address"
        )
    if _SCP_LIKE.fullmatch(remote):
        return
    url = _split(remote, shown)
    _check_scheme(remote, url, shown)
    if url.password is not None or _is_token(url) or holds_secret(remote):
        raise Rejected(f"git remote {shown!r}: holds a password or token", hint=CREDENTIAL_HINT)
    if _is_slash_login(remote, url):
        raise Rejected(
            f"git remote {shown!r}: holds what looks like a user with a slash and a password",
            hint=SLASH_HINT,
        )
    if url.scheme != "file" and (not url.hostname or url.hostname.startswith("-")):
        raise Rejected(f"git remote {shown!r}: names no host")
    if url.scheme == "file":
        _check_path(remote, url, shown)


def is_local(remote: str) -> bool:
    """Whether it is a repository of the machine that fetches it."""
    return urlsplit(remote).scheme == "file"


def is_commit(text: str) -> bool:
    """Whether this is the full id of a commit."""
    return bool(_COMMIT.fullmatch(text))


def check_pinned(source: GitSource) -> None:
    """Look whether a source means the same for ever. :raises Rejected: if it has no commit."""
    if is_commit(source.commit or source.ref or ""):
        return
    if source.commit is not None:
        raise Rejected(f"git commit {source.commit!r}: is not the full id of a commit")
    ref = "the default branch" if source.ref is None else f"git ref {source.ref!r}"
    raise Rejected(
        f"{ref} of {masked_address(source.remote)}: it is not known which commit that is",
        hint="name the full id of a commit; of a branch or tag `launchkit launch -u ADDRESS --ref"
        " REF`, `launchkit job create` and their like in Python make one",
    )


def check_ref(ref: str) -> None:
    """Look whether this can be the name of a branch or tag. :raises Rejected: if it cannot."""
    _require_text("ref", ref)
    if _BAD_REF.search(ref):
        raise Rejected(
            f"git ref {ref!r}: no branch, tag or commit can have this name",
            hint="give a branch, a tag, refs/… in full, or the full id of a commit",
        )


def _require_text(what: str, text: str) -> None:
    if len(text) > LONGEST:
        raise Rejected(f"git {what}: has {len(text)} characters; it may have {LONGEST}")
    if _HALF.search(text):
        raise Rejected(f"git {what}: is not UTF-8 text")


def refs_in(said: str, ref: str | None) -> Mapping[str, str]:
    """What `git ls-remote` said, from full name to commit: what *ref* may mean, and so many of the
    branches and tags as are looked at for one like it.
    """
    wanted = {name + end for name in _meant(ref) for end in ("", "^{}")}
    refs: dict[str, str] = {}
    for line in _LINE.finditer(said):
        commit, name = line.groups()
        if name in wanted or (len(refs) < 2 * MOST_NAMES and name.startswith(_NAMED)):
            refs[name] = commit
    return refs


def choose_commit(refs: Mapping[str, str], ref: str | None) -> str | None:
    """The commit that *ref* means in a repository with *refs*, from full name to commit.

    None is the remote's HEAD. A branch goes before a tag of the same name, as with `git clone
    --branch`; an annotated tag means the commit that it points to.
    """
    for name in _meant(ref):
        if name in refs:
            return refs.get(f"{name}^{{}}", refs[name])
    return None


def _meant(ref: str | None) -> Sequence[str]:
    if ref is None:
        return ["HEAD"]
    is_full = ref.startswith("refs/") or ref == "HEAD"
    return [ref] if is_full else [f"refs/heads/{ref}", f"refs/tags/{ref}"]


def unknown_ref(refs: Mapping[str, str], ref: str, remote: str) -> Rejected:
    """Say that there is no such ref, and what there is instead."""
    branches = [name.removeprefix("refs/heads/") for name in refs if name.startswith("refs/heads/")]
    tags = [name.removeprefix("refs/tags/") for name in refs if name.startswith("refs/tags/")]
    near = suggest(ref, [*branches, *tags][:MOST_NAMES])
    if near:
        hint = f"did you mean {near!r}?"
    elif re.fullmatch(r"[0-9a-f]{4,63}", ref):
        hint = "a commit is named by its full id: git rev-parse " + shell_word(ref)
    else:
        hint = f"its branches are: {', '.join(sorted(branches)[:10]) or 'none'}"
    return Rejected(f"{masked(remote)} has no branch or tag {ref!r}", hint=hint)


def _split(remote: str, shown: str) -> SplitResult:
    try:
        url = urlsplit(remote)
        url.port  # noqa: B018 - raises ValueError if it is no number
    except ValueError as exc:
        raise Rejected(f"git remote {shown!r}: is not an address") from exc
    return url


def _check_path(remote: str, url: SplitResult, shown: str) -> None:
    if url.netloc:
        raise Rejected(f"git remote {shown!r}: a path begins with three slashes: file:///…")
    if _ODD_ON_DISK.search(unquote_to_bytes(remote)):
        raise Rejected(f"git remote {shown!r}: control characters cannot be part of a path")


def _is_token(url: SplitResult) -> bool:
    """Whether the user looks like one, or has one with it; that of SSH is a name, or the id of a
    key.
    """
    user = unquote(url.username or "")
    return ":" in user or (url.scheme != "ssh" and bool(_TOKEN.match(user)))


def _is_slash_login(remote: str, url: SplitResult) -> bool:
    """Whether one stands where git takes what is before the slash for the host, and asks there."""
    is_named = url.scheme == "ssh" and url.username is not None
    start = len(f"{url.scheme}://")
    may_be = "@" in remote and url.scheme != "file" and not is_named
    return may_be and has_slash_user(remote, start, remote.rfind("@"))


def _check_scheme(remote: str, url: SplitResult, shown: str) -> None:
    if not remote.lower().startswith(f"{url.scheme}://"):
        raise Rejected(
            f"git remote {shown!r}: is not the address of a repository",
            hint="use https://…, ssh://…, file:///… or user@host:path",
        )
    if not remote.startswith(url.scheme):
        raise Rejected(
            f"git remote {shown!r}: git knows the word in front of :// in small letters alone",
            hint=f"write {url.scheme}://…",
        )
    if url.scheme == "http" and _is_loopback(url.hostname or ""):
        return
    if url.scheme not in SCHEMES:
        raise Rejected(
            f"git remote {shown!r}: {url.scheme}:// is not supported",
            hint="use https://…, ssh://…, file:///… or user@host:path"
            "; http:// is for this machine only",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
