"""A log of a gigabyte that is made in a moment: one piece of it comes over HTTP as an agent sends
it, and stands in the database as often as it takes.
"""

from contextlib import closing
from pathlib import Path

import httpx

from launchkit.store.logs import PIECE
from launchkit.store.sqlite_file import connect

from .over_http import claimed, launched

PIECES = 4096
LENGTH = PIECES * PIECE
LAST = "the last word"
REPEAT = """
with recursive n (i) as (select 1 union all select i + 1 from n where i < ?)
insert into log (item_id, attempt, "offset", size, data, packed)
select item_id, attempt, i * size, size, data, packed from log, n where item_id = ?
"""


def long_log(client: httpx.Client, database: Path) -> str:
    """The id of a launch with such a log, in the queue `q` of a service over an SQLite file."""
    launched(client)
    held = claimed(client)
    lines = "".join(f"epoch {number} of many, loss 0.25\n" for number in range(PIECE // 20))
    held.says(0, lines.encode()[: PIECE - 1] + b"\n").raise_for_status()
    with closing(connect(database)) as connection:
        connection.execute(REPEAT, (PIECES - 1, held.id))
    held.says(LENGTH, f"{LAST}\n".encode()).raise_for_status()
    held.reports("finished")
    return held.id
