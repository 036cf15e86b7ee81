"""The plugin is found, and costs nothing until it is used."""

import subprocess
import sys


def test_nothing_of_google_is_imported_before_it_is_asked() -> None:
    program = "import sys, launchkit_gcp; print({name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {"google", "grpc", "httpx", "requests"} & eval(done.stdout)
