"""Without a mouse: sign in, connect a vendor, make a topic, try it, read a timeline."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.journeys.gallery.pages import planted
from tests.journeys.portal import arrives
from tests.journeys.stack import Stack

MOST_STOPS = 90
# What has the focus: whether that can be seen, and where in the document it stands.
FOCUSED = """() => {
  const one = document.activeElement;
  const style = getComputedStyle(one);
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const box = one.getBoundingClientRect();
  const isInside = box.bottom > 0 && box.top < innerHeight && box.width > 0;
  return { isSeen: isInside && (ring || style.boxShadow !== "none"), what: one.outerHTML };
}"""


class Keys:
    """Presses keys and nothing else; every stop on the way must show that it has the focus."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def go_to(self, wanted: Locator, key: str = "Tab") -> None:
        """Press Tab until something has the focus."""
        target = wanted.first.element_handle()
        arrives(self.page)
        for _ in range(MOST_STOPS):
            self.page.keyboard.press(key)
            found = self.page.evaluate(FOCUSED)
            assert found["isSeen"], f"focus is not visible on {found['what'][:200]}"
            if self.page.evaluate("(one) => one === document.activeElement", target):
                return
        raise AssertionError(f"no stop at {wanted}")

    def press(self, wanted: Locator, key: str = "Enter") -> None:
        """Go to something and use it."""
        self.go_to(wanted)
        self.page.keyboard.press(key)

    def fill(self, wanted: Locator, text: str) -> None:
        """Go to a field and write in it, in place of what it held."""
        self.go_to(wanted)
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.type(text)

    def skip_to_content(self) -> None:
        """Take the first stop of a page, which leads past its menu."""
        self.press(self.page.get_by_role("link", name="Skip to content"))
        expect(self.page.locator("main")).to_be_focused()


def sign_in(keys: Keys, stack: Stack) -> None:
    page = keys.page
    page.goto("/login/")
    expect(page.get_by_label("User name or e-mail address")).to_be_focused()
    page.keyboard.type(stack.demo["admin"]["username"])
    keys.fill(page.get_by_label("Password"), stack.demo["admin"]["password"])
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_be_visible()


def connect(keys: Keys, stack: Stack) -> None:
    """Connect the simulated Salesforce in an environment where nothing is connected yet."""
    page = keys.page
    salesforce = stack.demo["simulators"]["salesforce_messaging"]
    keys.skip_to_content()
    places = page.get_by_role("navigation", name="Environment")
    keys.press(places.get_by_role("link", name="Pre-release", exact=True))
    expect(page.get_by_role("link", name="Connect Salesforce Messaging")).to_be_visible()
    keys.skip_to_content()
    keys.press(page.get_by_role("link", name="Connect Salesforce Messaging"))
    keys.press(page.get_by_role("button", name="Continue"))
    keys.press(page.get_by_role("link", name="Continue", exact=True))
    keys.fill(page.get_by_label("Organization ID"), salesforce["org_id"])
    keys.fill(page.get_by_label("Organization Base URL"), stack.simulator_url)
    keys.fill(page.get_by_label("Developer Name"), salesforce["es_developer_name"])
    page.keyboard.press("Enter")
    expect(page.get_by_text("Every check passed.").first).to_be_visible()
    keys.press(page.get_by_role("button", name="Connect", exact=True))
    keys.press(page.get_by_role("button", name="Save behaviour"))
    keys.press(page.get_by_role("link", name="Finish"))
    expect(page.get_by_text("Connected", exact=True).first).to_be_visible()


def make_topic(keys: Keys, project: str) -> None:
    page = keys.page
    page.goto(f"{project}topics/")
    keys.skip_to_content()
    keys.press(page.get_by_role("link", name="New topic"))
    keys.fill(page.get_by_label("Name"), "Parking")
    keys.fill(page.get_by_label("Example queries"), "Where can I park?")
    keys.fill(page.get_by_label("Content"), "Behind the shop, for two hours.")
    keys.press(page.get_by_role("button", name="Save topic"))
    expect(page.get_by_role("heading", name="Parking")).to_be_visible()


def try_it(keys: Keys, project: str) -> None:
    page = keys.page
    page.goto(f"{project}test/")
    keys.skip_to_content()
    keys.press(page.locator("main button[type=submit], main form button").first)
    expect(page.get_by_text("Hello.").first).to_be_visible()
    # Behind a skip link a page does not set the focus by itself.
    keys.fill(page.locator("main form input[name=text]"), "Where can I park?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Behind the shop").first).to_be_visible()


def read_timeline(keys: Keys, project: str) -> None:
    page = keys.page
    page.goto(f"{project}handoffs/")
    keys.skip_to_content()
    keys.press(page.locator("tbody a").first)
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    keys.skip_to_content()
    keys.press(page.get_by_label("Vendor calls"), "Space")
    expect(page.get_by_label("Vendor calls")).not_to_be_checked()


def test_everything_of_a_first_day_is_done_with_the_keyboard(page: Page, stack: Stack) -> None:
    values = planted(stack.simulator_url, stack)
    project = f"/p/{values['project_id']}/"
    keys = Keys(page)
    page.set_viewport_size({"width": 1280, "height": 900})

    sign_in(keys, stack)
    page.goto(f"{project}integrations/")
    connect(keys, stack)
    make_topic(keys, project)
    try_it(keys, project)
    read_timeline(keys, project)


def test_escape_closes_a_menu_and_a_dialog_and_gives_the_focus_back(
    page: Page, stack: Stack
) -> None:
    values = planted(stack.simulator_url, stack)
    keys = Keys(page)
    sign_in(keys, stack)
    page.goto(f"/p/{values['project_id']}/settings/members/{values['member_id']}/")

    menu = page.locator("[data-menu] > summary").last
    keys.press(menu)
    expect(page.get_by_role("button", name="Dark")).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    expect(page.get_by_role("button", name="Dark")).to_be_hidden()

    opener = page.get_by_role("button", name="Remove from the workspace")
    keys.press(opener)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for _ in range(6):  # the page behind it is out of reach
        page.keyboard.press("Tab")
        assert page.evaluate(
            "() => document.activeElement === document.body || "
            "Boolean(document.activeElement.closest('dialog'))"
        )
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
