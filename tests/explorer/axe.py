"""Accessibility by axe-core, which npm brings for the explorer's development."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from api.explorer import BUNDLE

AXE = Path(BUNDLE).parent / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def faults(page: Page) -> list[tuple[str, str, str]]:
    """What axe finds wrong: the rule, how grave it is, and the first element."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())  # not as a script element: the page's policy forbids those, as it should
    found = page.evaluate("(rules) => axe.run(document, {runOnly: rules})", RULES)
    return [(each["id"], each["impact"], each["nodes"][0]["html"][:200]) for each in found["violations"]]
