"""What stands beside Vertex AI, over HTTP: Cloud Logging, tokens, a bucket, and permissions."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import RLock, Thread
from typing import Any
from urllib.parse import SplitResult, urlsplit

PROJECT, REGION, NUMBER = "my-project", "us-central1", 4107
BUCKET = "staging"
TOKEN = "token-1"
LONGEST_LINE = 256 << 10
_ENTRIES = re.compile(
    r'resource\.type="ml_job" AND resource\.labels\.task_name!="service"'
    r' AND (?:timestamp>="([0-9T:.Z-]+)"'
    r'|\(timestamp>"([0-9T:.Z-]+)"'
    r' OR \(timestamp="([0-9T:.Z-]+)" AND insertId>("(?:[^"\\]|\\.)+")\)\))'
    r' AND resource\.labels\.job_id=\(([0-9" OR]+)\)'
)


class Beside:
    """A project in one region. Its attributes may be set by tests at any time."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        """Entries of Cloud Logging, with the time at which they come as `come`."""
        self.calls: list[tuple[str, Any]] = []
        self.denied: set[str] = set()
        """Operations for which a right is missing."""
        self.away: set[str] = set()
        """Operations that are not available."""
        self.tokens = {TOKEN}
        """Those that count; each that is given is among them unless a test removes it."""
        self.given = 0
        self.gives_tokens = True
        self.not_given = 0
        self.location = (REGION, "region")
        """Where the bucket is; empty: there is none."""
        self.lacking: set[str] = set()
        """Permissions that testIamPermissions does not find."""
        self.bindings: list[dict[str, Any]] = []
        """Who may do what with repositories."""
        self.log_seconds = 0.05
        """How late lines come to Cloud Logging."""
        self.log_page = 1000
        self.searches: dict[str, int] = {}
        """By the number of a job, so many pages without an entry come first where it is asked for.
        """
        self.lock = RLock()
        self.http_host = ""

    @property
    def http_url(self) -> str:
        """Where it answers."""
        return f"http://{self.http_host}"

    def answered(self, method: str, path: str, body: bytes, token: str) -> tuple[int, Any]:
        """The status and the answer of a request."""
        with self.lock:
            url = urlsplit(path)
            if url.path == "/token":
                return self._new_token()
            self.calls.append((f"{method} {url.path}", body))
            if token not in self.tokens:
                return 401, _error(401, "UNAUTHENTICATED", "the token does not count")
            if url.path == "/v2/entries:list":
                return self._entries(json.loads(body))
            if url.path == f"/storage/v1/b/{BUCKET}":
                return self._bucket()
            return self._other(url, body)

    def _other(self, url: SplitResult, body: bytes) -> tuple[int, Any]:
        if url.path == f"/v1/projects/{PROJECT}":
            return 200, {"projectId": PROJECT, "projectNumber": str(NUMBER)}
        if url.path.endswith(":getIamPolicy"):
            return 200, {"bindings": self.bindings}
        if url.path.endswith(":testIamPermissions"):
            asked = json.loads(body)["permissions"]
            return 200, {"permissions": [one for one in asked if one not in self.lacking]}
        return 404, _error(404, "NOT_FOUND", f"no such thing: {url.path}")

    def _new_token(self) -> tuple[int, Any]:
        if not self.gives_tokens:
            self.not_given += 1
            return 400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        self.given += 1
        token = f"token-{self.given}"
        self.tokens.add(token)
        return 200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}

    def _bucket(self) -> tuple[int, Any]:
        where, kind = self.location
        if not where:
            return 404, _error(404, "notFound", "The specified bucket does not exist.")
        return 200, {"name": BUCKET, "location": where.upper(), "locationType": kind}

    def _entries(self, asked: Mapping[str, Any]) -> tuple[int, Any]:
        if "entries" in self.away:
            return 503, _error(503, "UNAVAILABLE", "try again")
        if "entries" in self.denied:
            said = "Permission 'logging.logEntries.list' denied on resource"
            return 403, _error(403, "PERMISSION_DENIED", said)
        found = _ENTRIES.fullmatch(asked["filter"])
        if found is None or asked["orderBy"] != "timestamp asc":
            return 400, _error(400, "INVALID_ARGUMENT", f"Unparseable filter: {asked['filter']}")
        assert found[2] == found[3]
        since = (found[1] or found[2], json.loads(found[4] or '""'))
        jobs, now = {*re.findall("[0-9]+", found[5])}, time.time()
        there = [
            one
            for one in self.lines
            if one["come"] <= now
            and (one["timestamp"], one["insertId"]) > since
            and one["resource"]["labels"]["job_id"] in jobs
            and one["resource"]["labels"]["task_name"] != "service"
        ]
        there.sort(key=lambda one: (one["timestamp"], one["insertId"]))
        query = f"{asked['pageSize']} {asked['filter']}"
        searched, at, of = (asked.get("pageToken") or f"0 0 {query}").split(" ", 2)
        if of != query:
            return 400, _error(400, "INVALID_ARGUMENT", "page_token is one of another query")
        if int(searched) < max(self.searches.get(job, 0) for job in jobs):
            return 200, {"nextPageToken": f"{int(searched) + 1} 0 {query}"}
        begin = int(at)
        end = begin + min(self.log_page, asked["pageSize"])
        shown = [
            {key: text for key, text in one.items() if key != "come"} for one in there[begin:end]
        ]
        more = {"nextPageToken": f"{searched} {end} {query}"} if end < len(there) else {}
        return 200, {"entries": shown, **more}

    def enter(
        self, number: str, text: str, *, machine: str = "workerpool0-0", at: float | None = None
    ) -> None:
        """A line comes to Cloud Logging, in pieces if it is long."""
        now = time.time()
        for begin in range(0, max(1, len(text)), LONGEST_LINE):
            nanos = int((at or time.time()) * 1e9) + begin // LONGEST_LINE
            stamp = datetime.fromtimestamp(nanos // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            entry = {
                "timestamp": f"{stamp}.{nanos % 10**9:09d}Z",
                "insertId": f"{len(self.lines):012d}",
                "logName": f"projects/{PROJECT}/logs/workerpool0-0",
                "resource": {"type": "ml_job", "labels": {
                    "job_id": number, "task_name": machine, "project_id": PROJECT}},
                "jsonPayload": {"message": text[begin : begin + LONGEST_LINE]},
                "severity": "INFO",
                "come": now + self.log_seconds,
            }  # fmt: skip
            with self.lock:
                self.lines.append(entry)

    @contextmanager
    def http(self) -> Iterator[None]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        self.http_host = f"127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _error(code: int, word: str, said: str) -> Mapping[str, Any]:
    return {"error": {"code": code, "message": said, "status": word}}


def _handler(fake: Beside) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            status, told = fake.answered(self.command, self.path, body, token)
            data = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    return Handler
