"""`launchkit user` and `launchkit role`: who may use a queue service, and as what."""

from functools import partial
from pathlib import Path

import click

from launchkit.cli.desk import desk
from launchkit.cli.options import common_options, output_option, say, say_next
from launchkit.cli.output import Column, Layout, get, show_all, show_one
from launchkit.cli.present import Data, moment
from launchkit.cli.token import kept
from launchkit.model.people import EVERYWHERE, Account, Grant, PrincipalKind, Role
from launchkit.shell_words import shell_word
from launchkit.store import people
from launchkit.store.tokens import CreateToken

USERS = Layout(
    (
        Column("NAME", get("name")),
        Column("KIND", get("kind")),
        Column("CREATED", get("created_at")),
        Column("BY", get("created_by")),
    ),
    name="name",
)
ROLES = Layout(
    (
        Column("NAME", get("name")),
        Column("ENTITY", get("entity")),
        Column("ROLE", get("role")),
    ),
    name="name",
)
everywhere_option = click.option(
    "--everywhere", is_flag=True, help="In all entities, also those to come."
)


@click.group()
def user() -> None:
    """Add, list and remove users and service accounts."""


@user.command("add")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--service", is_flag=True, help="Accounts for programs, not for people.")
@click.option(
    "--role",
    type=click.Choice([one.value for one in Role]),
    help="Grant this role in the entity, too.",
)
@click.option(
    "--tokens",
    metavar="DIR",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Make a token for each, too, in a new file DIR/NAME.token for you alone.",
)
@output_option
@common_options
def add(
    names: tuple[str, ...], service: bool, role: str | None, tokens: Path | None, form: str
) -> None:
    """Add users; they may do nothing before they have a role."""
    at = desk()
    kind = PrincipalKind.SERVICE if service else PrincipalKind.USER
    for name in names:
        show_one(_account_data(at.do(people.AddAccount(name, kind, at.actor))), form, USERS)
        if role:
            at.do(people.GrantRole(name, at.entity, Role(role), at.actor))
        else:
            say_next(f"role grant {shell_word(name)} submitter")
        if tokens:
            path = tokens / f"{name}.token"
            kept(path, partial(at.do, CreateToken(name, at.actor)))
            say(f"the token of {name} is in {path}")
        else:
            say_next(f"token create {shell_word(name)}")


@user.command("list")
@output_option
@common_options
def list_users(form: str) -> None:
    """List users and service accounts."""
    accounts = desk().do(people.ListAccounts())
    show_all([_account_data(one) for one in accounts], form, USERS)


@user.command("remove")
@click.argument("name")
@common_options
def remove(name: str) -> None:
    """Remove a user with its roles, and revoke its tokens."""
    at = desk()
    at.do(people.RemoveAccount(name, at.actor))
    say(f"{name} is removed, and its tokens are revoked")


@click.group()
def role() -> None:
    """Grant, revoke and list roles."""


@role.command("grant")
@click.argument("name")
@click.argument("role", type=click.Choice([one.value for one in Role]))
@everywhere_option
@output_option
@common_options
def grant(name: str, role: str, everywhere: bool, form: str) -> None:
    """Give NAME a role in the entity, in the place of the one it had there."""
    at = desk()
    entity = EVERYWHERE if everywhere else at.entity
    given = at.do(people.GrantRole(name, entity, Role(role), at.actor))
    show_one(_grant_data(given), form, ROLES)


@role.command("revoke")
@click.argument("name")
@everywhere_option
@common_options
def revoke(name: str, everywhere: bool) -> None:
    """Take away the role that NAME has in the entity."""
    at = desk()
    entity = EVERYWHERE if everywhere else at.entity
    at.do(people.RevokeRole(name, entity, at.actor))
    say(f"{name} has no role in {entity} any more")


@role.command("list")
@output_option
@common_options
def list_roles(form: str) -> None:
    """List the roles of all, in all entities."""
    show_all([_grant_data(one) for one in desk().do(people.ListGrants())], form, ROLES)


def _account_data(account: Account) -> Data:
    return {
        "name": account.name,
        "kind": account.kind.value,
        "created_at": moment(account.created_at),
        "created_by": account.created_by,
    }


def _grant_data(grant: Grant) -> Data:
    return {"name": grant.name, "entity": grant.entity, "role": grant.role.value}
