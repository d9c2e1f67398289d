"""The page of a forecast in a real browser: no network, both colour schemes, no mouse needed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tools.forecast.model import Candidate, RunTimes
from tools.forecast.page import page
from tools.forecast.prices import read_prices
from tools.forecast.report import Report, report
from tools.forecast.sentence import trace_like

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((path for name in NAMES if (path := shutil.which(name))), None)
NEEDS_BROWSER = pytest.mark.skipif(BROWSER is None, reason="no Chromium on the PATH")
# Nothing that is not the page: no profile, no updates, no sandbox that needs privileges.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--window-size=900,1000",
)  # fmt: skip
SCHEMES = {
    "dark": "--blink-settings=preferredColorScheme=0",
    "light": "--blink-settings=preferredColorScheme=1",
}
# Measures the page from inside, and leaves the result where --dump-dom shows it.
PROBE = """<script>
addEventListener("load", () => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = colour => {
    const [r, g, b] = rgb(colour).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [a, b] = [light(one), light(other)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  const behind = node => {
    for (let up = node; up; up = up.parentElement) {
      const colour = getComputedStyle(up).backgroundColor;
      if (rgb(colour).length < 4 || rgb(colour)[3] > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const seen = node => contrast(getComputedStyle(node).fill, behind(node.parentElement));
  document.querySelectorAll("details").forEach(node => node.open = true);
  const words = [...document.querySelectorAll("h1,h2,h3,p,li,td,th,caption,summary,strong,span")]
    .map(node => [contrast(getComputedStyle(node).color, behind(node)), node.textContent]);
  const drawn = [...document.querySelectorAll("svg text")]
    .map(node => [seen(node), node.textContent]);
  const marks = [...document.querySelectorAll("circle.frontier,circle.now,circle.best,rect")]
    .filter(node => !node.classList.contains("candidate"))
    .map(node => [seen(node), node.getAttribute("class")]);
  const focusable = [...document.querySelectorAll("[tabindex='0'],summary")];
  const reached = focusable.filter(node => {
    node.focus();
    return document.activeElement === node;
  });
  const result = {
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    requests: performance.getEntriesByType("resource").map(entry => entry.name),
    wide: [...document.querySelectorAll("body *:not(.scroll *):not(svg *)")]
      .filter(node => node.getBoundingClientRect().right > innerWidth + 1)
      .map(node => node.tagName + " " + node.textContent.slice(0, 40)),
    cut: [...document.querySelectorAll("svg text")].filter(node => {
      const box = node.getBoundingClientRect();
      const around = node.ownerSVGElement.getBoundingClientRect();
      return box.left < around.left - 1 || box.right > around.right + 1;
    }).map(node => node.textContent),
    overflow: document.documentElement.scrollWidth - innerWidth,
    words: words.sort((a, b) => a[0] - b[0])[0], drawn: drawn.sort((a, b) => a[0] - b[0])[0],
    marks: marks.sort((a, b) => a[0] - b[0])[0],
    focusable: focusable.length, reached: reached.length,
    unnamed: [...document.querySelectorAll("circle[tabindex]")]
      .filter(node => !node.getAttribute("aria-label")).length,
  };
  const out = document.createElement("pre");
  out.id = "probe"; out.textContent = JSON.stringify(result);
  document.body.append(out);
});
</script>"""


def made_of(text: str, promise: float, days: int = 30) -> Report:
    return report(
        trace_like(text, days=days),
        Candidate(10, 60, max_concurrent_runs=None),
        RunTimes(),
        read_prices("eu-central-1"),
        promise_seconds=promise,
    )


STORY = "10 files in 2 minutes, 6 times a day; 3000 files of 20 KB in 5 minutes, once a day"
PAGES = {
    "a month of bursts": lambda: made_of(STORY, 300),
    "a promise that nothing keeps": lambda: made_of(STORY, 1),
    "a single file": lambda: made_of("1 file once a day", 300, days=1),
}


@pytest.fixture(scope="module", params=PAGES)
def text(request: pytest.FixtureRequest) -> str:
    return page(PAGES[request.param]())


def seen_in_browser(text: str, scheme: str, folder: Path, width: int = 900) -> Any:
    """What the probe measures in a page that is opened from a file."""
    file = folder / "page.html"
    file.write_text(text.replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    done = subprocess.run(
        [str(BROWSER), *FLAGS, f"--window-size={width},1000", SCHEMES[scheme],
         f"--user-data-dir={folder / 'profile'}", "--dump-dom", file.as_uri()],
        capture_output=True, text=True, check=False, timeout=240,
        env={**os.environ, "HOME": str(folder)},
    )  # fmt: skip
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2_000:]
    return json.loads(unescape(found[1]))


@pytest.mark.gate
@NEEDS_BROWSER
@pytest.mark.parametrize("scheme", SCHEMES)
def test_page_is_readable_in_both_colour_schemes_and_without_a_mouse(
    text: str, scheme: str, tmp_path: Path
) -> None:
    seen = seen_in_browser(text, scheme, tmp_path)
    assert seen["dark"] == (scheme == "dark")
    assert seen["requests"] == []
    # WCAG 2.2: 4.5 to 1 for text (1.4.3), 3 to 1 for marks (1.4.11).
    assert seen["words"][0] >= 4.5, seen["words"]
    assert seen["drawn"][0] >= 4.5, seen["drawn"]
    assert seen["marks"][0] >= 3, seen["marks"]
    assert seen["focusable"] == seen["reached"] > 0
    assert seen["unnamed"] == 0
    assert (seen["overflow"], seen["wide"], seen["cut"]) == (0, [], [])


@pytest.mark.gate
@NEEDS_BROWSER
def test_page_fits_a_small_window(text: str, tmp_path: Path) -> None:
    seen = seen_in_browser(text, "light", tmp_path, width=500)
    assert (seen["overflow"], seen["wide"], seen["cut"]) == (0, [], [])


def test_page_is_one_small_file_without_scripts_or_addresses(text: str) -> None:
    assert len(text.encode()) < 1_000_000
    for word in ("<script", "src=", "href=", "url(", "@import", "http"):
        assert word not in text, word


def test_page_shows_text_of_users_as_text() -> None:
    trace = trace_like("1 file once a day", days=1)
    evil = type(trace)(trace.times, trace.sizes, trace.days, "<img src=x onerror=alert(1)>")
    made = report(
        evil, Candidate(10, 60), RunTimes(), read_prices("us-east-1"), promise_seconds=300
    )
    assert "<img" not in page(made)
    assert "&lt;img" in page(made)
