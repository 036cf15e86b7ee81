"""A git server, as hosts of repositories have it: over HTTP."""

import os
import subprocess
import sys
from pathlib import Path

GIT = """#!/bin/sh
export GIT_PROJECT_ROOT={root} GIT_HTTP_EXPORT_ALL=1
exec git http-backend
"""

SERVER = """\
import sys
from functools import partial
from http.server import CGIHTTPRequestHandler, ThreadingHTTPServer
CGIHTTPRequestHandler.have_fork = False  # else scripts of root run as nobody, who may read nothing
handler = partial(CGIHTTPRequestHandler, directory=sys.argv[1])
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), handler).serve_forever()
"""


def make_repository(code: Path, bare: Path) -> None:
    """A bare repository at *bare* whose one commit is what stands in *code*."""
    who = {f"GIT_{role}_{what}": "ada@example.com"
           for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}  # fmt: skip
    for command in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        ("commit", "--quiet", "--message=code"),
        ("clone", "--quiet", "--bare", ".", str(bare)),
    ):
        subprocess.run(["git", *command], cwd=code, check=True, env={**os.environ, **who})


def git_server(folder: Path, port: int) -> list[str]:
    """The command that serves the repositories in *folder*, under `/cgi-bin/git`."""
    script = folder / "cgi-bin" / "git"
    script.parent.mkdir()
    script.write_text(GIT.format(root=folder))
    script.chmod(0o755)
    return [sys.executable, "-W", "ignore", "-c", SERVER, str(folder), str(port)]
