"""What test runs share is cleared away once, by the last of them."""

import tempfile
from pathlib import Path

import pytest
from shared import in_use


def test_only_the_last_user_may_clear_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    what = "something"
    with in_use(what) as first_is_last:
        with in_use(what) as second_is_last:
            assert not second_is_last()
        assert first_is_last()
        assert first_is_last()
    with in_use(what) as is_last:
        assert is_last()
