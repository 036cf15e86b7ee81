"""What is opened where a run may have put anything."""

import os
import socket
from pathlib import Path

import pytest

from launchkit.supervision.regular_files import open_regular, read_regular

BELOW = {"below a file": "other", "below a circle": "folder", "below a long name": "x" * 256}
"""Where a link leads that is in the place of a directory."""


@pytest.mark.parametrize(
    "kind", ["nothing", "pipe", "directory", "device", "link", "circle", "socket", *BELOW]
)
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND])
def test_what_is_no_regular_file_is_as_if_it_were_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, flags: int
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    Path("other").write_text("other")
    name = "folder/name" if kind in BELOW else "name"
    match kind:
        case _ if kind in BELOW:
            Path("folder").symlink_to(BELOW[kind])
        case "pipe":
            os.mkfifo(name)
        case "directory":
            Path(name).mkdir()
        case "device":
            Path(name).symlink_to("/dev/zero")
        case "link":
            Path(name).symlink_to("other")
        case "circle":
            Path(name).symlink_to(name)
        case "socket":
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(name)
    with pytest.raises(FileNotFoundError):
        open_regular(name, flags)
    if kind not in {"nothing", *BELOW}:
        with pytest.raises(FileNotFoundError):
            open_regular(name, flags | os.O_CREAT)
    assert Path("other").read_text() == "other"


def test_no_more_is_read_of_a_file_than_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"ab")
    os.truncate(path, 1 << 40)
    assert read_regular(path, 3) == b"ab\0"
