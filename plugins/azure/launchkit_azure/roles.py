"""Roles, and the commands that give them. Pure."""

from launchkit.shell_words import shell_command


def role_line(role: str, principal: str | None, scope: str) -> str:
    """The command that gives a role on *scope*, in the words of a shell, to whom has that id."""
    words = ("role", "assignment", "create", "--assignee", principal or "WHO", "--role", role)
    return " ".join((shell_command("az", *words, "--scope"), scope))
