"""A small jobd: a service that runs jobs, over HTTP. It runs them on its own machine, whatever
their image is, and forgets them when it ends.

    POST   /jobs                        {"name": …, "image": …, "command": […], "env": {…}, …}
    GET    /jobs                        {"jobs": [{"name": …, "state": …, "exit_code": …}]}
    GET    /jobs/NAME/log?offset=BYTE   what it has printed from there on
    DELETE /jobs/NAME?grace=SECONDS     ends a job, which is kept
    DELETE /jobs/NAME                   forgets an ended job

States: waiting, running, ended, stopped, evicted, expired.
"""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Lock, Thread, Timer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class Job:
    """A process, and how somebody else has ended it, if so."""

    def __init__(self, request: dict[str, Any], log: Path) -> None:
        self.log, self.end = log, ""
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                request["command"],
                env={"PATH": os.defpath, **request["env"]},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if request.get("deadline"):
            self.later(request["deadline"], lambda: self.kill(signal.SIGKILL, "expired"))

    def state(self) -> dict[str, Any]:
        """As jobd tells it."""
        code = self.process.poll()
        if code is None:
            return {"state": "running"}
        return {"state": self.end or "ended", "exit_code": code if code >= 0 else 128 - code}

    def kill(self, number: int, end: str) -> None:
        """End it, unless it has ended."""
        if self.process.poll() is None:
            self.end = self.end or end
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def later(self, seconds: float, do: Any) -> None:
        """Do something after a while."""
        timer = Timer(seconds, do)
        timer.daemon = True
        timer.start()


class Jobd(ThreadingHTTPServer):
    """The service, with what tests want to know of it."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0, token: str | None = None) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.folder, self.token, self.lock = folder, token, Lock()
        self.jobs: dict[str, Job] = {}
        self.starts = Counter[str]()
        self.images: set[str] | None = None
        """Those that it has; None: any."""

    @property
    def host(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.server_port}"

    def submit(self, request: dict[str, Any]) -> tuple[int, Any]:
        """Start a job, unless there is one of that name."""
        if self.images is not None and request["image"] not in self.images:
            return 422, f"image {request['image']} not found"
        with self.lock:
            if request["name"] not in self.jobs:
                self.starts[request["name"]] += 1
                log = self.folder / f"{sum(self.starts.values())}.log"
                self.jobs[request["name"]] = Job(request, log)
        return 200, {}

    def delete(self, name: str, grace: float | None) -> tuple[int, Any]:
        """End a job, or forget it."""
        job = self.jobs[name]
        if grace is not None:
            job.kill(signal.SIGTERM, "stopped")
            job.later(grace, lambda: job.kill(signal.SIGKILL, "stopped"))
        elif job.process.poll() is None:
            return 409, f"{name} has not ended"
        else:
            job.log.unlink()
            del self.jobs[name]
        return 200, {}


class Handler(BaseHTTPRequestHandler):
    """Answers requests."""

    protocol_version = "HTTP/1.1"
    server: Jobd

    def do_POST(self) -> None:
        """Start a job."""
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self._reply(lambda: self.server.submit(json.loads(data)))

    def do_GET(self) -> None:
        """List all jobs, or give a log."""
        self._reply(self._found)

    def do_DELETE(self) -> None:
        """End a job, or forget it."""
        url = urlsplit(self.path)
        grace = parse_qs(url.query).get("grace")
        name = unquote(url.path.removeprefix("/jobs/"))
        self._reply(lambda: self.server.delete(name, float(grace[0]) if grace else None))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Say nothing."""

    def _found(self) -> tuple[int, Any]:
        url = urlsplit(self.path)
        if url.path == "/jobs":
            jobs = [{"name": name, **job.state()} for name, job in [*self.server.jobs.items()]]
            return 200, {"jobs": jobs}
        name = unquote(url.path.removeprefix("/jobs/").removesuffix("/log"))
        with self.server.jobs[name].log.open("rb") as log:
            log.seek(int(parse_qs(url.query)["offset"][0]))
            return 200, log.read(2**20)

    def _reply(self, do: Any) -> None:
        token = self.server.token
        if token and self.headers.get("Authorization") != f"Bearer {token}":
            status, said = 401, "no such token"
        else:
            try:
                status, said = do()
            except KeyError as exc:
                status, said = 404, f"there is no job {exc}"
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(folder: Path, port: int = 0, token: str | None = None) -> Iterator[Jobd]:
    """A jobd that runs for the time of the context; its jobs end with it."""
    with Jobd(folder, port, token) as jobd:
        thread = Thread(target=jobd.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield jobd
        finally:
            jobd.shutdown()
            thread.join()
            for job in jobd.jobs.values():
                job.kill(signal.SIGKILL, "stopped")
                job.process.wait()


if __name__ == "__main__":
    with (
        TemporaryDirectory() as place,
        serving(Path(place), int(sys.argv[1]), os.environ.get("JOBD_TOKEN")) as started,
    ):
        over = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: over.set())
        print(f"jobd listens on {started.host}", flush=True)
        over.wait()
