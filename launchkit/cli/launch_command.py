"""How the words after `launchkit launch` are read: what was meant for the entry point is told."""

from collections.abc import Sequence

import click

ENTRY_POINT = ("-E", "--entry-point")


class LaunchCommand(click.Command):
    """A command without arguments, whose entry point is one word, in quotes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As always; an error about words that belong to no option says what they may belong to."""
        given = tuple(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as exc:
            if exc.possibilities or not _has_entry_point(given):
                raise
            raise _unquoted(exc, ctx) from exc
        except click.UsageError as exc:
            if "unexpected extra argument" not in exc.message:
                raise
            raise (_unquoted if _has_entry_point(given) else _unnamed)(exc, ctx) from exc


def _has_entry_point(args: Sequence[str]) -> bool:
    return any(arg in ENTRY_POINT or arg.startswith("--entry-point=") for arg in args)


def _unnamed(exc: click.UsageError, ctx: click.Context) -> click.UsageError:
    message = exc.format_message().rstrip(".")
    return click.UsageError(
        f"{message}. Name code with -u, an image with -d or a job with -j, and what to run with"
        " -E 'COMMAND'",
        ctx,
    )


def _unquoted(exc: click.UsageError, ctx: click.Context) -> click.UsageError:
    message = exc.format_message().rstrip(".")
    return click.UsageError(
        f"{message}. If it belongs to the entry point, put all of that into quotes:"
        " -E 'python train.py --epochs 3'",
        ctx,
    )
