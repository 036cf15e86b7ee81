"""A visit: one request to a page by somebody who has signed in. Each route declares here what one
may do who comes.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, unquote

from anyio.to_thread import run_sync
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from launchkit.model.people import EVERYWHERE, Entity, Permission, Principal, refusal
from launchkit.resolving.nested import is_long
from launchkit.store import people
from launchkit_server.rates import asker
from launchkit_server.rights import Entitled, Right
from launchkit_server.service import Service
from launchkit_server.shares import Places
from launchkit_server.strangers import proved
from launchkit_server.web import sessions
from launchkit_server.web.addresses import address
from launchkit_server.web.forms import Form, form_of
from launchkit_server.web.guards import (
    CSRF_FIELD,
    CSRF_HEADER,
    SAFE,
    csrf_token,
    require_own_form,
    require_own_origin,
)
from launchkit_server.web.rendering import render

T = TypeVar("T")


class SignInFirst(Exception):
    """Nobody has signed in at this browser, or the session is over."""


@dataclass(frozen=True, kw_only=True)
class Visit(Entitled):
    """Who asks for a page, where, and what was sent along."""

    request: Request
    form: Form
    csrf: str
    prefix: str

    @property
    def partial(self) -> bool:
        """Whether a page that is shown already asks for a piece of itself."""
        return "hx-request" in self.request.headers

    @property
    def stamp(self) -> str | None:
        """By which a page knows that somebody has signed out since."""
        return sessions.stamp_of(self.request)

    def may(self, permission: str) -> bool:
        """Whether this may be done here: `submit`, `operate`, `administer`."""
        return refusal(self.principal, Permission(permission), self.entity) is None

    def at(self, *parts: str, **query: object) -> str:
        """The address of a page of the entity."""
        return address(self.prefix, "e", self.entity, *parts, **query)

    def root(self, *parts: str, **query: object) -> str:
        """The address of a page of the whole service."""
        return address(self.prefix, *parts, **query)

    async def still(self) -> None:
        """Look whether who began to read may go on: sessions end, and roles are taken away.

        :raises Unauthenticated: if the session is over.
        :raises Forbidden: if they may not.
        """
        self.right.again(await self.service.proofs.prove(self.right.token))

    def elsewhere(self, entity: str, permission: Permission) -> "Visit":
        """The same visit in another entity.

        :raises Forbidden: if one may not do that there.
        """
        right = replace(self.right, entity=entity, permission=permission)
        right.require()
        return replace(self, right=right)

    async def in_turn(self, work: Callable[[], T], /, *, of: object) -> T:
        """Do what takes as long as that is large *of* which it is, in the turn of the entity."""
        return await self.service.parsing.run(self.entity, work, is_long=is_long(of))

    async def page(self, template: str, *, status: int = 200, **view: Any) -> HTMLResponse:
        """A page, or a piece of one, made from a template, for who may see it still.

        :raises Unauthenticated: if the session is over.
        :raises Forbidden: if they may not.
        """
        await self.still()
        entities = await self._entities()
        around = self._around([one.name for one in entities])
        view = {"visit": self, "now": time.time(), "entities": entities, "around": around, **view}
        made = partial(render, template, **view)
        page = HTMLResponse(await run_sync(made, limiter=self.service.rendering), status)
        if self.entity not in {EVERYWHERE, self._last()} and not self.partial:
            page.set_cookie(
                sessions.AROUND,
                quote(self.entity),
                path=f"{self.prefix}/",
                httponly=True,
                samesite="lax",
                secure=self.request.url.scheme == "https",
            )
        return page

    def go(self, to: str) -> Response:
        """Send the browser to another page, after something was done."""
        if self.partial:
            return Response(status_code=204, headers={"hx-redirect": to})
        return RedirectResponse(to, status_code=303)

    async def entity_is_known(self) -> bool:
        """Whether a queue or a person ever stood in the entity."""
        known = await self.service.database.read(people.ListEntities(self.principal))
        return self.entity in {one.name for one in known}

    def _around(self, known: Sequence[str]) -> str | None:
        """The entity whose pages stand beside this one: its own, or the one where one was last."""
        if self.entity != EVERYWHERE:
            return self.entity
        return self._last() if self._last() in known else next(iter(known), None)

    def _last(self) -> str:
        return unquote(self.request.cookies.get(sessions.AROUND, ""))

    async def _entities(self) -> Sequence[Entity]:
        if self.partial:
            return ()
        return await self.service.database.read(people.ListEntities(self.principal))


@dataclass(frozen=True)
class Needs:
    """A dependency that admits those who have signed in and have a permission on the entity in the
    path; what they send must come from a page of this session.
    """

    permission: Permission
    in_turn: bool = True
    """Whether a page has a place among the large answers, as those of the API; streams and
    files have none.
    """

    async def __call__(self, request: Request) -> AsyncIterator[Visit]:
        """The visit.

        :raises SignInFirst: if nobody has signed in, or not any more when all was sent and the
            turn has come.
        :raises Forbidden: if one may not, or if something was sent that no page of ours has sent.
        :raises Unreachable: if large answers of the same one are not taken in time.
        """
        require_own_origin(request)
        service: Service = request.app.state.service
        principal, session = await _signed_in(service, request)
        form = Form({})
        if request.method not in SAFE:
            form = await form_of(request, principal)
            given = request.headers.get(CSRF_HEADER) or form.text(CSRF_FIELD)
            require_own_form(session, given)
        async with Places.of(asker(principal)) as places:
            waited = self.in_turn and await places.take(service.answers)
            if waited or request.method not in SAFE:  # a form may take two minutes to come
                principal, _ = await _signed_in(service, request)
            right = Right(
                token=session,
                principal=principal,
                permission=self.permission,
                entity=request.path_params.get("entity", EVERYWHERE),
                proof="session",
                hint="sign in again",
            )
            right.require()
            yield Visit(
                request=request,
                service=service,
                right=right,
                form=form,
                csrf=csrf_token(session),
                prefix=request.app.state.prefix,
                places=places,
            )


async def _signed_in(service: Service, request: Request) -> tuple[Principal, str]:
    """Who has signed in at a browser, and the token of the session.

    :raises SignInFirst: if nobody has, or not any more.
    """
    principal = await sessions.prove(service, request)
    session = sessions.session_of(request)
    if principal is None or session is None:
        raise SignInFirst
    await proved(request.scope, asker(principal))
    return principal, session


Entering = Annotated[Visit, Depends(Needs(Permission.ENTER))]
Reading = Annotated[Visit, Depends(Needs(Permission.READ))]
Following = Annotated[Visit, Depends(Needs(Permission.READ, in_turn=False))]
Submitting = Annotated[Visit, Depends(Needs(Permission.SUBMIT))]
Operating = Annotated[Visit, Depends(Needs(Permission.OPERATE))]
Administering = Annotated[Visit, Depends(Needs(Permission.ADMINISTER))]


async def one_more_stream(visit: Following) -> AsyncIterator[None]:
    """A dependency that counts a stream of one who reads, for as long as it lasts.

    :raises Unreachable: if there are as many of theirs as may be.
    """
    with visit.service.streams.of(asker(visit.principal)):
        yield
