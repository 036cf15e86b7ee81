"""What proves to Google who the agent is goes nowhere else by what answers in Google's place."""

from pathlib import Path

import pytest
from fuzzing.answering import answering
from launchkit_gcp.credentials import GcpCredentials
from launchkit_gcp.errors import GcpAway
from launchkit_gcp.places import GcpPlace

from .fake_google import PROJECT, REGION, key_file


async def test_what_a_token_is_asked_with_follows_no_redirect(
    tmp_path: Path, private_key: str
) -> None:
    with answering() as leading, answering() as elsewhere:
        leading.status, leading.headers = 307, {"Location": elsewhere.url}
        file = key_file(tmp_path / "key.json", leading.url, private_key)
        place = GcpPlace(
            project=PROJECT, region=REGION, endpoint_urls={}, service_account_file=str(file)
        )
        with pytest.raises(GcpAway, match="redirects"):
            await GcpCredentials(place).token()
        assert (leading.asked > 0, elsewhere.asked) == (True, 0)
