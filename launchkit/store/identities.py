"""Whom the providers by which people sign in know, and which account each has here."""

from dataclasses import dataclass

from launchkit.errors import ConfigError, Conflict, Unauthenticated
from launchkit.model.people import PrincipalKind
from launchkit.shell_words import shell_argument
from launchkit.store.database import Row, Tx
from launchkit.store.people import AddAccount, audit
from launchkit.store.sessions import Admit
from launchkit.store.tokens import NewToken


@dataclass(frozen=True, kw_only=True)
class AdmitBy:
    """Begin a session of *seconds* for one whom an issuer has proved to be *subject*.

    The first time *name* finds the account, if the issuer has *vouched* for it, and the account
    then belongs to this subject for good: somebody else who comes to bear the name at the issuer
    does not get it.

    :raises Unauthenticated: if there is no account for them, or *name* can be none's.
    :raises Conflict: if what others do to the account meanwhile is in the way.
    """

    issuer: str
    subject: str
    name: str
    vouched: bool = True
    adds: bool
    """Whether an account is added where there is none."""
    seconds: float

    async def __call__(self, tx: Tx) -> NewToken:
        known = await self._known(tx)
        await tx.one("principal_locked", name=known["name"] if known else self.name)
        known = await self._known(tx)  # the account may have been removed meanwhile
        name = await self._bind(tx) if known is None else known["name"]
        return await Admit(name, self.seconds)(tx)

    async def _known(self, tx: Tx) -> Row | None:
        return await tx.one("identity", issuer=self.issuer, subject=self.subject)

    async def _bind(self, tx: Tx) -> str:
        if not self.vouched:
            raise Unauthenticated(
                f"{self.issuer} does not say whether the address {self.name[:200]} is verified",
                hint="whoever runs this service: see oidc-believes-addresses",
            )
        account = await tx.one("principal_locked", name=self.name)
        if account is None:
            account = await self._added(tx)
        if account["kind"] != PrincipalKind.USER:
            raise Unauthenticated(f"{self.name[:200]} is a {account['kind']}, not a person")
        made = await tx.one(
            "add_identity", issuer=self.issuer, subject=self.subject, name=self.name
        )
        if made is None:
            if known := await self._known(tx):  # who signs in twice at a time was bound meanwhile
                return str(known["name"])
            raise Unauthenticated(
                f"the account {self.name[:200]} belongs to somebody else whom {self.issuer} knows",
                hint="if it is yours, an administrator removes it, and adds it anew",
            )
        await audit(tx, self.name, f"is {self.subject[:200]} of {self.issuer}")
        return self.name

    async def _added(self, tx: Tx) -> Row:
        if not self.adds:
            raise Unauthenticated(
                f"there is no account {self.name[:200]} here",
                hint="an administrator adds it:"
                f" launchkit user add {shell_argument(self.name[:200])}",
            )
        try:
            await AddAccount(self.name, PrincipalKind.USER, self.name)(tx)
        except ConfigError as exc:
            raise Unauthenticated(
                f"no account can be added for you: {exc.message}",
                hint="an administrator of the provider gives you another name,"
                " or whoever runs this service takes another oidc-claim",
            ) from exc
        except Conflict:  # it was added meanwhile, such as for who signs in twice at a time
            account = await tx.one("principal_locked", name=self.name)
            if account is None:
                raise
            return account
        return await tx.row("principal_locked", name=self.name)
