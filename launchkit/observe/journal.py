"""Log lines with a stable action and the ids of what they are about, for people or as JSON."""

import json
import logging
import time
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Literal, TextIO

from launchkit.plain_log import PlainLines, without_passwords

if TYPE_CHECKING:
    from launchkit.model import Claim

LogFormat = Literal["auto", "human", "json"]

IDS = ("agent", "item", "run_id", "queue", "attempt")
TIME = "%Y-%m-%dT%H:%M:%S"


class Journal(logging.LoggerAdapter[logging.Logger]):
    """A logger that knows what its lines are about; `action=` names what a line tells."""

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Put the action and the ids beside the message."""
        about = {"action": "log", **(self.extra or {})}
        kwargs["extra"] = {**about, "action": kwargs.pop("action", about["action"])}
        return msg, kwargs

    def of(self, action: str) -> "Journal":
        """The same for lines that tell this, where they do not say it themselves."""
        return Journal(self.logger, {**(self.extra or {}), "action": action})


def journal(logger: logging.Logger, agent: str, claim: "Claim | None" = None) -> Journal:
    """The one source of the ids in an agent's log lines."""
    if claim is None:
        return Journal(logger, {"agent": agent})
    item = claim.item
    ids = {"item": item.id, "run_id": item.run_id, "queue": item.queue, "attempt": item.attempt}
    return Journal(logger, {"agent": agent, **ids})


class HumanLines(PlainLines):
    """Time (UTC), level and message."""

    default_time_format = TIME
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s")
        self.converter = time.gmtime


class JsonLines(HumanLines):
    """One JSON object for each line; an exception stands in `traceback`."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as JSON."""
        line = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "action": getattr(record, "action", "log"),
            "message": without_passwords(record.getMessage()),
        }
        line |= {name: getattr(record, name) for name in IDS if hasattr(record, name)}
        if record.exc_info:
            line["traceback"] = without_passwords(
                logging.Formatter.formatException(self, record.exc_info)
            )
        return json.dumps(line)


def formatter_for(wanted: LogFormat, stream: TextIO | None) -> logging.Formatter:
    """The format that the settings want; `auto` is for people where *stream* is a terminal."""
    human = bool(stream and stream.isatty()) if wanted == "auto" else wanted == "human"
    return HumanLines() if human else JsonLines()
