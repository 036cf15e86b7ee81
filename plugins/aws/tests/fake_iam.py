"""IAM's simulation of policies, which moto does not have, in its XML."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from xml.sax.saxutils import escape

from aiohttp import web

from .fake_aws import serving

Allowed = Callable[[str, str, dict[str, str]], bool]
"""Whether an action on a resource is allowed, with the request's conditions."""


def anything(action: str, resource: str, conditions: dict[str, str]) -> bool:
    return True


class FakeIam:
    def __init__(self, allowed: Allowed = anything) -> None:
        self.allowed = allowed
        self.principals: list[str] = []

    async def handle(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        action = form["Action"]
        if not self.allowed(f"iam:{action}", "*", {}):
            return _reply(403, f"<ErrorResponse>{_error('AccessDenied', action)}</ErrorResponse>")
        if action == "GetRole":
            role = escape(form["RoleName"])
            arn = f"arn:aws:iam::123456789012:role/teams/ml/{role}"
            told = (
                f"<Role><Path>/</Path><RoleName>{role}</RoleName><RoleId>AROA{'X' * 17}</RoleId>"
                f"<Arn>{arn}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></Role>"
            )
            return _reply(200, _result("GetRole", told))
        self.principals.append(form["PolicySourceArn"])
        return _reply(200, _result("SimulatePrincipalPolicy", self._simulated(form)))

    def _simulated(self, form: dict[str, str]) -> str:
        start = "ContextEntries.member."
        conditions = {
            value: form[key.replace("ContextKeyName", "ContextKeyValues.member.1")]
            for key, value in form.items()
            if key.startswith(start) and key.endswith("ContextKeyName")
        }
        resource = form["ResourceArns.member.1"]
        told = ""
        for key, action in form.items():
            if key.startswith("ActionNames.member."):
                decision = (
                    "allowed" if self.allowed(action, resource, conditions) else "implicitDeny"
                )
                told += (
                    f"<member><EvalActionName>{escape(action)}</EvalActionName>"
                    f"<EvalDecision>{decision}</EvalDecision></member>"
                )
        return f"<IsTruncated>false</IsTruncated><EvaluationResults>{told}</EvaluationResults>"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/", self.handle)
        async with serving(app) as url:
            yield url


def _error(code: str, action: str) -> str:
    why = f"User: ann is not authorized to perform: iam:{action}"
    return f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{why}</Message></Error>"


def _result(action: str, told: str) -> str:
    return f"<{action}Response><{action}Result>{told}</{action}Result></{action}Response>"


def _reply(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/xml")
