"""The list of launches, as people filter it, choose in it, and change what they chose."""

import re

from playwright.async_api import BrowserContext, Page, expect

from .lab import Lab
from .screens import look_at

RECIPE = {"source": {"kind": "image", "image": "x"}}


def prepare(lab: Lab, queue: str, *names: str) -> None:
    """A queue with launches in it."""
    lab.of_entity("POST", "/queues", {"name": queue, "resource": "local-process"})
    for name in names:
        spec = {"recipe": RECIPE, "name": name}
        lab.of_entity("POST", f"/queues/{queue}/launches", {"spec": spec})


async def test_a_list_is_filtered_kept_as_a_view_and_changed(page: Page, lab: Lab) -> None:
    prepare(lab, "night", "sweep-1", "sweep-2", "other")
    prepare(lab, "long-" + "x" * 120)
    await page.goto(lab.at("/launches"))
    await look_at(page, "launches")
    await page.get_by_placeholder("Name, or sweep-*").fill("sweep")
    await page.keyboard.press("Enter")
    rows = page.locator("tr[data-row]")
    await expect(rows).to_have_count(2)
    await page.locator("summary", has_text="Views").click()
    await page.get_by_label("Save this view as").fill("sweeps")
    await page.get_by_role("button", name="Save", exact=True).click()
    await page.get_by_role("link", name="Clear").click()
    await expect(rows).to_have_count(3)
    await page.locator("summary", has_text="Views").click()
    await page.get_by_role("link", name="sweeps").click()
    await expect(rows).to_have_count(2)

    await page.get_by_label("Choose sweep-1").check()
    await expect(page.get_by_text("1 chosen")).to_be_visible()
    await look_at(page, "launches-chosen")
    await page.get_by_label("All that match").check()
    await page.get_by_label("Why").fill("the disks are full")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Hold").click()
    await expect(page.get_by_text("2 of 2 launches")).to_be_visible()
    await page.get_by_role("link", name="Back to the list").click()
    await expect(page.locator("tr[data-row] [data-state=held]")).to_have_count(2)


async def test_many_are_stopped_when_asked_twice_and_given_another_priority(
    page: Page, lab: Lab
) -> None:
    prepare(lab, "many", "many-1", "many-2", "many-3")
    await page.goto(lab.at("/launches?queue=many"))
    await page.get_by_label("Choose many-1").check()
    await page.get_by_label("New priority").select_option("high")
    await page.get_by_role("button", name="Set priority").click()
    await page.get_by_role("link", name="Back to the list").click()
    await page.get_by_label("Choose many-2").check()
    await page.get_by_label("All that match").check()
    await page.get_by_role("button", name="Stop…").click()
    await expect(page.get_by_text("Stop 3 launches?")).to_be_visible()
    await expect(page.get_by_role("button", name="Live", exact=True)).to_be_visible()
    await look_at(page, "launches-sure")
    await page.get_by_role("button", name="Stop 3 launches").click()
    await expect(page.get_by_text("3 of 3 launches")).to_be_visible()
    await page.get_by_role("link", name="Back to the list").click()
    await expect(page.locator("tr[data-row] [data-state=stopped]")).to_have_count(3)


async def test_what_is_chosen_stays_so_when_the_list_changes(page: Page, lab: Lab) -> None:
    prepare(lab, "live", "kept")
    await page.goto(lab.at("/launches?queue=live"))
    await expect(page.get_by_role("button", name="Live", exact=True)).to_be_visible()
    await page.get_by_label("Choose kept").check()
    spec = {"recipe": RECIPE, "name": "fresh"}
    lab.of_entity("POST", "/queues/live/launches", {"spec": spec})
    await expect(page.get_by_role("link", name="fresh")).to_be_visible()
    await expect(page.get_by_label("Choose kept")).to_be_checked()
    await expect(page.get_by_label("Choose fresh")).not_to_be_checked()


async def test_the_heads_of_columns_sort_the_list_and_once_more_the_other_way_round(
    page: Page, lab: Lab
) -> None:
    prepare(lab, "sort-b", "sorted-1", "sorted-2")
    prepare(lab, "sort-a", "sorted-3")
    names = page.locator("tr[data-row] th")
    await page.goto(lab.at("/launches?name=sorted"))
    await expect(names).to_have_text(["sorted-3", "sorted-2", "sorted-1"])
    head = page.get_by_role("columnheader", name="Queue")
    await head.get_by_role("link").click()
    await expect(head).to_have_attribute("aria-sort", "ascending")
    await expect(names).to_have_text(["sorted-3", "sorted-2", "sorted-1"])
    await head.get_by_role("link").click()
    await expect(head).to_have_attribute("aria-sort", "descending")
    await expect(names).to_have_text(["sorted-2", "sorted-1", "sorted-3"])
    await expect(page).to_have_url(re.compile(r"name=sorted&sort=-queue"))
    await look_at(page, "launches-sorted")


async def test_keys_go_through_the_rows(page: Page, lab: Lab) -> None:
    prepare(lab, "keys", "first", "second")
    await page.goto(lab.at("/launches?queue=keys"))
    await page.keyboard.press("j")
    await expect(page.get_by_role("link", name="second")).to_be_focused()
    await page.keyboard.press("j")
    await expect(page.get_by_role("link", name="first")).to_be_focused()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("/")
    await expect(page.get_by_label("Find launches by name")).to_be_focused()


async def test_who_may_only_look_can_choose_nothing(context: BrowserContext, lab: Lab) -> None:
    prepare(lab, "looked-at", "one")
    page = await context.new_page()
    await lab.sign_in(page, "viewer")
    await page.goto(lab.at("/launches?queue=looked-at"))
    await expect(page.get_by_role("link", name="one")).to_be_visible()
    await expect(page.locator("[data-choice], [data-choose-all]")).to_have_count(0)


async def test_a_page_that_the_browser_kept_says_what_its_list_shows(page: Page, lab: Lab) -> None:
    await page.goto(lab.at("/launches?name=shown"))
    name = page.get_by_placeholder("Name, or sweep-*")
    await name.fill("asked for later")
    await page.evaluate(
        "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"
    )  # as Back does
    await expect(name).to_have_value("shown")
