"""Reasons that people give in the web app, for what becomes of a queue or a launch."""

import httpx
import pytest

from ..browsing import Browser
from ..over_http import RECIPE

SECRET = "ZqSUPERSECRETVALUExQWKJHg"
FORMS = {
    "queues/hush/pause": {"seconds": "0"},
    "launches/{item}/hold": {},
    "launches/{item}/stop": {},
    "launches/changes": {"verb": "hold", "id": "{item}"},
}


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("before", [0, 480, 1980, 3980])
def test_a_reason_of_any_length_is_kept_without_any_part_of_a_secret(
    browser: Browser, client: httpx.Client, entity: str, path: str, before: int
) -> None:
    config = {"env": {"API_TOKEN": SECRET}}
    queue = {"name": "hush", "resource": "local-process", "config": config}
    client.post("/queues", json=queue)
    item = client.post("/queues/hush/launches", json={"spec": {"recipe": RECIPE}}).json()["id"]
    reason = "w " * (before // 2) + f"the token is {SECRET}" + " w" * before
    fields = {name: text.format(item=item) for name, text in FORMS[path].items()}
    address = f"/e/{entity}/{path.format(item=item)}"
    assert browser.post(address, {**fields, "reason": reason}).status_code in {200, 303}
    told = "".join(client.get(path, params={"ref": item}).text for path in ("/history", "/item"))
    told += str(client.get("/queues/hush").json()["queue"]["pause"])
    assert "w w w" in told or not before
    assert not [at for at in range(len(SECRET) - 3) if SECRET[at : at + 4] in told]
