"""The map in a real browser with software rendering: points, flight, filter, colours, time, and what is said of a point."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.explorer.axe import faults

MODEL = "HuggingFaceH4/zephyr-7b-beta"


def until(page: Page, truth: str) -> None:
    """Wait until an expression is true. The page's policy forbids playwright's own way, which evaluates text inside the page."""
    for _ in range(150):
        if page.evaluate(truth):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{truth} did not come true")


def opened(page: Page, address: str = "/map") -> None:
    page.goto(address)
    until(page, "window.stemmaMap?.ready === 3")


def test_every_point_is_drawn_and_found_under_the_pointer(page: Page) -> None:
    opened(page)
    head = page.request.get("/map/head.json").json()
    assert page.evaluate("stemmaMap.drawing.points") == head["models"]
    page.get_by_role("button", name="The whole map").click()
    right = page.evaluate(
        """() => { const map = stemmaMap, camera = {x: .5, y: .5, zoom: 30}, screen = map.screen(); let right = 0;
        for (let point = 0; point < 60; point++) {
          const spot = map.drawing.where(camera, screen, point);
          if (map.drawing.pick(camera, screen, spot[0], spot[1]) === point) right++;
        } return right; }"""
    )
    assert right == 60
    assert not faults(page)


def test_search_lights_up_and_flies(page: Page) -> None:
    opened(page)
    before = page.evaluate("stemmaMap.camera().zoom")
    page.get_by_role("combobox", name="Find a model on the map").fill("zephyr-7b-beta")
    page.get_by_role("option", name=MODEL).click()
    until(page, "stemmaMap.camera().zoom > 50")
    assert before == 1
    expect(page.get_by_role("region", name=f"About {MODEL}")).to_contain_text("descendants")
    until(page, "stemmaMap.drawing.searching")
    expect(page).to_have_url(re.compile(r"view=.*90\.00"), timeout=15_000)
    shared = page.url
    opened(page, shared)
    expect(page.get_by_role("region", name=f"About {MODEL}")).to_be_visible()
    assert page.evaluate("stemmaMap.camera().zoom") > 50
    page.get_by_role("region", name=f"About {MODEL}").get_by_role("link", name="Lineage").click()
    expect(page.get_by_role("tree", name=f"Lineage of {MODEL}")).to_be_visible()


def test_a_view_looks_the_same_whatever_was_open_before(page: Page) -> None:
    page.goto("/lineage/mistralai/Mistral-7B-v0.1")
    expect(page.get_by_role("tree")).to_be_visible()
    page.get_by_role("link", name="Map", exact=True).click()
    until(page, "window.stemmaMap?.ready === 3")
    page.get_by_role("combobox", name="Find a model on the map").fill("zephyr")
    expect(page.get_by_role("option", name=MODEL)).to_be_in_viewport(ratio=1)


def test_a_point_tells_what_it_is(page: Page) -> None:
    opened(page, f"/map?at={MODEL}")
    until(page, "stemmaMap.camera().zoom === 90")  # the flight has ended
    page.get_by_role("button", name="Close").click()
    where = page.evaluate(
        """async (id) => { const body = {query: "query($id: ID!) { model(id: $id) { spot { point } } }", variables: {id}};
        const headers = {"content-type": "application/json"};
        const answer = await fetch("/graphql", {method: "POST", headers, body: JSON.stringify(body)});
        const {data} = await answer.json();
        const box = document.querySelector("canvas").getBoundingClientRect();
        const [x, y] = stemmaMap.drawing.where(stemmaMap.camera(), stemmaMap.screen(), data.model.spot.point);
        return [box.x + x, box.y + y]; }""",
        MODEL,
    )
    page.mouse.move(where[0] + 1, where[1] + 1)
    expect(page.get_by_role("tooltip")).to_contain_text(MODEL)
    # the map moves under a resting pointer
    page.locator("canvas").focus()
    page.keyboard.press("0")
    expect(page.get_by_role("tooltip").filter(has_text=MODEL)).to_have_count(0)
    find = page.get_by_role("combobox", name="Find a model on the map")
    find.fill(MODEL)
    expect(page.get_by_role("option", name=MODEL)).to_be_visible()
    find.press("ArrowDown")
    find.press("Enter")
    until(page, "stemmaMap.camera().zoom === 90")
    page.get_by_role("button", name="Close").press("Enter")
    expect(page.get_by_role("tooltip")).to_contain_text(MODEL)


def test_colours_filter_and_time(page: Page) -> None:
    opened(page)

    def lit() -> int:
        """Pixels that are clearly not night."""
        found: int = page.evaluate(
            """() => { const map = stemmaMap, canvas = document.querySelector("canvas"), gl = canvas.getContext("webgl2");
            map.drawing.draw(map.camera(), map.screen(), false);
            const data = new Uint8Array(canvas.width * canvas.height * 4);
            gl.readPixels(0, 0, canvas.width, canvas.height, gl.RGBA, gl.UNSIGNED_BYTE, data);
            let lit = 0;
            for (let at = 0; at < data.length; at += 4) lit += data[at] + data[at + 1] + data[at + 2] > 180;
            return lit; }"""
        )
        return found

    def assert_dimmed() -> None:
        for _ in range(100):
            if lit() < whole / 2:
                return
            page.wait_for_timeout(100)
        raise AssertionError(f"{lit()} of {whole} pixels are still lit")

    whole = lit()
    assert whole > 100
    page.locator(".colouring select").select_option("relation")
    merges = page.get_by_role("button", name=re.compile("^merge"))
    merges.click()
    expect(merges).to_have_attribute("aria-pressed", "true")
    assert_dimmed()
    merges.click()
    page.get_by_role("slider").fill(page.get_by_role("slider").get_attribute("min") or "0")
    expect(page.locator("output")).to_contain_text("until")
    assert_dimmed()


def test_keys_move_the_map(page: Page) -> None:
    opened(page)
    canvas = page.get_by_role("application")
    canvas.focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    until(page, "stemmaMap.camera().zoom > 1.4 && stemmaMap.camera().x > .5")
    page.keyboard.press("0")
    until(page, "stemmaMap.camera().zoom === 1")


def test_without_webgl_the_map_stands_still(browser: Browser, address: str) -> None:
    page = browser.new_page(base_url=address)
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null;")
    page.goto("/map")
    picture = page.get_by_role("img", name=re.compile("each disc is a family"))
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") == 1024
    page.close()
