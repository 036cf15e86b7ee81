"""How the words after `launchkit launch` are read: what was meant for the entry point is told."""

from collections.abc import Sequence

import click

ENTRY_POINT = ("-E", "--entry-point")


class LaunchCommand(click.Command):
    """A command whose entry point is one word, in quotes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As always; an error about words behind the entry point says that they belong to it."""
        given = tuple(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as exc:
            if exc.possibilities or not _has_entry_point(given):
                raise
            raise _unquoted(exc, ctx) from exc
        except click.UsageError as exc:
            if "unexpected extra argument" not in exc.message or not _has_entry_point(given):
                raise
            raise _unquoted(exc, ctx) from exc


def _has_entry_point(args: Sequence[str]) -> bool:
    return any(arg in ENTRY_POINT or arg.startswith("--entry-point=") for arg in args)


def _unquoted(exc: click.UsageError, ctx: click.Context) -> click.UsageError:
    message = exc.format_message().rstrip(".")
    return click.UsageError(
        f"{message}. If it belongs to the entry point, put all of that into quotes:"
        " -E 'python train.py --epochs 3'",
        ctx,
    )
