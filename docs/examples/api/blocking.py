"""The same without an event loop: each call blocks until it is done."""

import sys
import tempfile
from pathlib import Path

import launchkit.sync


def main(code: Path) -> None:
    """Needs an agent that serves the queue `examples`."""
    (code / "hello.py").write_text("print('hello')\nprint('world')")
    with launchkit.sync.connect() as client:
        run = client.launch("examples", uri=str(code), entry_point=[sys.executable, "hello.py"])
        for line in run.logs(follow=True):
            print("it printed:", line)
        print(run.wait(timeout=60).state)


with tempfile.TemporaryDirectory() as place:
    main(Path(place))
