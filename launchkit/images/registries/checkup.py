"""What a registry allows, found out without writing anything."""

from contextlib import suppress
from dataclasses import replace

import httpx

from launchkit.abc import Finding, MayNotRead
from launchkit.errors import LaunchError
from launchkit.images.registries.client import (
    RegistryClient,
    RegistryRequest,
)
from launchkit.model import Credentials

ABSENT = "launchkit-check"
"""A tag that is asked for; the answer that it is not there shows the right to request."""
PULL_OK = frozenset({httpx.codes.OK, httpx.codes.NOT_FOUND})
PUSH_OK = frozenset({httpx.codes.ACCEPTED})


async def examine(
    client: RegistryClient,
    host: str,
    path: str,
    login: Credentials | None,
    *,
    pushes: bool,
    hint: str | None = None,
) -> list[Finding]:
    """Whether it answers, accepts *login*, and lets one pull from *path*, and push to it; *hint* is
    what to do if the login lacks a right.
    """
    subject = f"registry {host}"
    try:
        answer = await client.send(RegistryRequest(method="GET", host=host, target="/v2/"))
    except LaunchError as exc:
        return [Finding(level="error", subject=subject, message=str(exc), hint=exc.hint)]
    if finding := _stranger(answer, subject, login, client.login_hint):
        return [finding]
    who = _who(login)
    found = [Finding(level="ok", subject=subject, message=f"it answers; {who}")]
    pull = await _right(client, _pull(host, path), subject, hint)
    if not pushes:
        return [*found, pull]
    push = await _right(client, _push(host, path), subject, hint)
    if push.level == "ok" and pull.level == "error":  # some say so of what is not there yet
        pull = replace(pull, level="warning", hint="that may be because nothing was pushed yet")
    return [*found, pull, push]


def _stranger(
    answer: httpx.Response, subject: str, login: Credentials | None, login_hint: str
) -> Finding | None:
    """What keeps one out at the door, if anything does."""
    if answer.status_code in {401, 403}:
        message = "the login is not accepted" if login else "it wants a login, and there is none"
        hint = login_hint if login else "set username and password_env, or do `docker login`"
        return Finding(level="error", subject=subject, message=message, hint=hint)
    if answer.status_code != httpx.codes.OK:
        message = f"GET /v2/ gives HTTP {answer.status_code}: this is no image registry"
        return Finding(level="error", subject=subject, message=message, hint="check registry.uri")
    return None


def _who(login: Credentials | None) -> str:
    if login is None:
        return "no login is set"
    return "logged in" if login.is_identity else f"logged in as {login.username}"


def _pull(host: str, path: str) -> RegistryRequest:
    target = f"/v2/{path}/manifests/{ABSENT}"
    return RegistryRequest(method="HEAD", host=host, target=target, path=path, actions="pull")


def _push(host: str, path: str) -> RegistryRequest:
    target = f"/v2/{path}/blobs/uploads/"
    return RegistryRequest(method="POST", host=host, target=target, path=path, actions="pull,push")


async def _right(
    client: RegistryClient, request: RegistryRequest, subject: str, hint: str | None
) -> Finding:
    looks = request.method == "HEAD"
    what = f"pull from {request.path}" if looks else f"push to {request.path}"
    try:
        answer = await client.send(request)
        if answer.status_code == httpx.codes.ACCEPTED:
            await _cancel(client, request, answer)
    except MayNotRead as exc:
        return Finding(level="error", subject=subject, message=str(exc), hint=hint or exc.hint)
    except LaunchError as exc:
        return Finding(level="error", subject=subject, message=str(exc), hint=exc.hint)
    if answer.status_code in (PULL_OK if looks else PUSH_OK):
        return Finding(level="ok", subject=subject, message=f"may {what}")
    return Finding(
        level="error",
        subject=subject,
        message=f"may not {what} (HTTP {answer.status_code})",
        hint=hint or "give the login that right, or set another one",
    )


async def _cancel(client: RegistryClient, request: RegistryRequest, answer: httpx.Response) -> None:
    """Take back an upload that was begun; a registry that cannot forgets it by itself. Nothing is
    removed that another host has.
    """
    if place := answer.headers.get("location"):
        with suppress(LaunchError, httpx.InvalidURL):
            if not await client.is_of(request.host, place):
                return
            end = replace(request, method="DELETE", target=place, actions="delete,pull,push")
            await client.send(end)
