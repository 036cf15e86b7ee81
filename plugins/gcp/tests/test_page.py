"""The permissions and roles that the page shows are those that are asked for."""

import re

from launchkit_gcp.gar_service import PUSH, READ
from launchkit_gcp.rights import store_needs
from launchkit_gcp.storage import GcsAddress
from pages import ROOT

PAGE = (ROOT / "docs" / "how-to" / "gcp.md").read_text()
STORE = store_needs(GcsAddress("b", "x"))


def test_the_table_of_the_page_has_all_permissions_that_are_needed() -> None:
    table = PAGE.partition("| for | permissions |")[2].partition("\n\n")[0]
    needed = {*READ, *PUSH} | {one for need in STORE for one in need.permissions}
    assert {*re.findall(r"`([a-z]+\.[A-Za-z.]+)`", table)} == needed


def test_the_commands_of_the_page_give_the_roles_that_are_recommended() -> None:
    commands = PAGE.partition("## Make what it needs")[2].partition("Who would rather")[0]
    roles = {"roles/artifactregistry.writer"} | {role for need in STORE for role in need.roles}
    assert {*re.findall(r"--role=(\S+)", commands)} == roles
