"""`launchkit webhook`: which places a queue service tells of what. A secret is shown once."""

from pathlib import Path

import click

from launchkit.cli.asked import MakeWebhook
from launchkit.cli.desk import desk
from launchkit.cli.names import webhook_names
from launchkit.cli.options import common_options, output_option, say, say_next
from launchkit.cli.output import Column, Layout, get, show_all, show_one
from launchkit.cli.present import Data, moment
from launchkit.cli.token import kept
from launchkit.model.webhooks import Delivery, Happens, Webhook, WebhookView
from launchkit.shell_words import shell_word
from launchkit.store import webhooks
from launchkit.wire.webhooks import WebhookRequest


def _last(row: Data) -> object:
    return row["messages"][0]["state"] if row["messages"] else None


_COLUMNS = (
    Column("NAME", get("name")),
    Column("URL", get("url")),
    Column("EVENTS", get("events"), rank=1),
    Column("PAUSED", get("paused")),
)
ONE = Layout(_COLUMNS, name="name")
NEW = Layout((*_COLUMNS, Column("SECRET", get("secret"))), name="secret")
MANY = Layout(
    (*_COLUMNS, Column("LAST MESSAGE", _last)),
    name="name",
    fill="there are none; make one with: launchkit webhook create NAME URL",
)
MESSAGES = Layout(
    (
        Column("ID", get("id"), rank=1),
        Column("MESSAGE", get("type")),
        Column("STATE", get("state")),
        Column("TRIES", get("tries")),
        Column("MADE", get("created_at")),
        Column("AGAIN", get("due_at"), rank=2),
        Column("LAST ANSWER", get("answer"), below=True),
    ),
    name="id",
    fill="nothing was sent yet; send a test with: launchkit webhook test NAME",
)
name_argument = click.argument("name", shell_complete=webhook_names)


@click.group()
def webhook() -> None:
    """Make, test, pause, list and remove webhooks of a queue service."""


@webhook.command("create")
@click.argument("name")
@click.argument("url")
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice([one.value for one in Happens]),
    default=[Happens.LAUNCH_FAILED.value],
    show_default=True,
    help="What it is told of; repeat it for more.",
)
@click.option(
    "--secret-out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the secret to a new FILE for you alone, and show nothing of it.",
)
@output_option
@common_options
def create(
    name: str, url: str, events: tuple[str, ...], secret_out: Path | None, form: str
) -> None:
    """Tell the place at URL of what happens in the entity from now on.

    The secret by which it knows the service is shown once and stored nowhere.
    """
    wanted = tuple(Happens(one) for one in events)
    body = MakeWebhook(WebhookRequest(name=name, url=url, events=wanted))
    at = desk()
    if secret_out is None:
        made = at.do(body)
        show_one({**_data(made.webhook), "secret": str.__str__(made.secret)}, form, NEW)
        say("the secret is not shown again")
    else:
        made = kept(secret_out, lambda: at.do(body))
        show_one(_data(made.webhook), form, ONE)
    say_next(f"webhook test {shell_word(name)}")


@webhook.command("list")
@output_option
@common_options
def list_all(form: str) -> None:
    """List the webhooks of the entity, each with its last messages; never a secret."""
    at = desk()
    show_all([_view_data(one) for one in at.do(webhooks.List(at.entity))], form, MANY)


@webhook.command("messages")
@name_argument
@output_option
@common_options
def messages(name: str, form: str) -> None:
    """List the last messages of a webhook, and what its receiver answered last."""
    at = desk()
    view = webhooks.named(at.do(webhooks.List(at.entity)), at.entity, name)
    show_all([_message_data(one) for one in view.deliveries], form, MESSAGES)


@webhook.command("test")
@name_argument
@output_option
@common_options
def send_test(name: str, form: str) -> None:
    """Send a message that tells of nothing, to see whether it comes."""
    at = desk()
    sent = at.do(webhooks.SendTest(at.entity, name, at.actor))
    show_one(_message_data(sent), form, MESSAGES)
    say_next(f"webhook messages {shell_word(name)}")


@webhook.command("pause")
@name_argument
@output_option
@common_options
def pause(name: str, form: str) -> None:
    """Send nothing any more; what happens meanwhile is not told later."""
    _set_paused(name, form, paused=True)


@webhook.command("resume")
@name_argument
@output_option
@common_options
def resume(name: str, form: str) -> None:
    """Tell again of what happens from now on."""
    _set_paused(name, form, paused=False)


@webhook.command("remove")
@name_argument
@common_options
def remove(name: str) -> None:
    """Remove a webhook with its messages, also those that wait."""
    at = desk()
    at.do(webhooks.Remove(at.entity, name, at.actor))
    say(f"webhook {name} of {at.entity} is removed")


def _set_paused(name: str, form: str, *, paused: bool) -> None:
    at = desk()
    show_one(_data(at.do(webhooks.SetPaused(at.entity, name, paused, at.actor))), form, ONE)


def _data(one: Webhook) -> Data:
    return {
        "name": one.name,
        "entity": one.entity,
        "url": one.url,
        "events": [event.value for event in one.events],
        "paused": one.paused,
        "created_at": moment(one.created_at),
        "created_by": one.created_by,
    }


def _view_data(view: WebhookView) -> Data:
    return {**_data(view.webhook), "messages": [_message_data(one) for one in view.deliveries]}


def _message_data(one: Delivery) -> Data:
    return {
        "id": one.id,
        "type": one.type,
        "state": one.state.value,
        "tries": one.tries,
        "answer": one.answer,
        "created_at": moment(one.created_at),
        "answered_at": moment(one.answered_at),
        "due_at": moment(one.due_at),
    }
