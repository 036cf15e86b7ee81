"""Roles, and the commands that give them. Pure."""


def role_line(role: str, principal: str | None, scope: str) -> str:
    """The command that gives a role on *scope*, in the words of a shell, to whom has that id."""
    who = principal or "WHO"
    return f'az role assignment create --assignee {who} --role "{role}" --scope {scope}'
