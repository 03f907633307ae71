"""The page as a browser shows it: equations with a size, no sideways scrolling, contrast, no request and no error.

Chromium is driven over its command line. What it measures is written into the document by a script that is put into a
copy of the page, for the page itself allows none.
"""

import html
import json
import re
import shutil
import subprocess

import pytest

import derivations
from gradproof.catalogue import Formula, collect
from gradproof.report import page
from tests.engine import pages

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SCHEMES = {"dark": 0, "light": 1}  # as Blink counts them
AA = 4.5
"""Contrast that WCAG 2 level AA asks of text, whatever its size here."""
CSP = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")

MEASURE = """
<script>
addEventListener("load", async () => {
  document.querySelectorAll("details").forEach(d => d.open = true);
  await document.fonts.ready;
  const size = e => { const r = e.getBoundingClientRect(); return [r.width, r.height]; };
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const luminance = c => c.slice(0, 3).map(x => x / 255).map(x => x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4)
    .reduce((sum, x, i) => sum + x * [.2126, .7152, .0722][i], 0);
  const contrast = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + .05) / (low + .05);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, text = walker.currentNode.data.trim();
    if (!text || ["SCRIPT", "STYLE"].includes(e.tagName) || !e.getClientRects().length) continue;
    texts.push([contrast(rgb(getComputedStyle(e).color), ground(e)), text.slice(0, 40), e.className]);
  }
  parent.postMessage(JSON.stringify({
    width: innerWidth,
    scrolls: document.scrollingElement.scrollWidth,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    statements: [...document.querySelectorAll(".statement")].map(e => [...e.querySelectorAll("math")].map(size)),
    equations: [...document.querySelectorAll("math")].map(size),
    images: [...document.images].map(i => i.naturalWidth),
    texts: texts.length,
    faint: texts.filter(([ratio]) => ratio < @AA@),
    visible: document.body.innerText,
    heat: [...document.querySelectorAll(".heat td[class]")]
      .map(e => [e.innerText, getComputedStyle(e).backgroundColor]),
    requests: performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith("data:")),
    hacked: Boolean(window.hacked),
  }), "*");
});
</script>
"""
FRAME = """<!DOCTYPE html><body><iframe style="width: {width}px; height: 900px; border: 0" src="measured.html"></iframe>
<pre id="measured"></pre>
<script>addEventListener("message", e => document.getElementById("measured").textContent = e.data)</script>"""


def chromium(folder, url, *options):
    """The document after it was loaded, and what the browser logs."""
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--v=0", "--virtual-time-budget=20000",
        *options, "--dump-dom", url,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


def measured(folder, text, width=1280, scheme="light"):
    """What the browser measures of the page, all of it unfolded, in a frame of this width."""
    script = MEASURE.replace("@AA@", str(AA))
    (folder / "measured.html").write_text(CSP.sub("", text).replace("</body>", f"{script}</body>"), encoding="utf-8")
    frame = folder / "frame.html"  # a window is never narrower than 500 pixels, a frame is
    frame.write_text(FRAME.format(width=width), encoding="utf-8")
    document, _ = chromium(
        folder, frame.as_uri(), "--window-size=1400,1000", f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}"
    )
    answer = re.search(r'<pre id="measured">(.*?)</pre>', document, re.DOTALL)
    return json.loads(html.unescape(answer[1]))


def rendered(records, **options):
    for package in ("jinja2", "latex2mathml", "matplotlib"):
        pytest.importorskip(package)
    return page.render(records, **options)


def catalogue():
    """Every formula of the catalogue, as far as a page shows its statement."""
    formulas = collect(derivations, Formula).values()
    return [
        pages.formula(
            formula.key, title=formula.title, statement=formula.printed, rows=list(formula.rows), source=formula.source,
            domain=formula.domain_text, note=formula.note, taylor=[], checked=[],
        )
        for formula in formulas
    ]  # fmt: skip


LONG = "a_name_that_never_ends_" * 20
UNBROKEN = [
    pages.formula(
        LONG, title=LONG, source=LONG, domain=LONG, note=LONG, code={"file": LONG, "name": LONG, "text": LONG}
    ),
    pages.failing(f"{LONG}2", environment=LONG),
    pages.erratum(f"{LONG}3", printed={"form": LONG, "gives": LONG}, why=LONG, counterexample=[LONG], checks=[LONG]),
    pages.claim(f"{LONG}4: {LONG}", claim=LONG, printed=LONG, shown=LONG, why=LONG, title=LONG, chosen=LONG),
    pages.example(f"{LONG}5", title=LONG, source=LONG),
    pages.benchmark(LONG, kernel=LONG, peer=LONG, shape=LONG),
    pages.power(kills={LONG: [1, 2]}, alarms={LONG: [0, 2, 1]}, survivors=[{"name": LONG, "reason": LONG}]),
    pages.peer(LONG, kills={LONG: [1, 2]}, alarms={LONG: [1, 2, 1]}, version=LONG),
    pages.absent(LONG, not_run=LONG),
]
PLOTS = {"losses": "<svg xmlns='http://www.w3.org/2000/svg' width='900' height='300'><title>the losses</title></svg>"}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [400, 1280])
def test_it_can_be_read_on_a_phone_and_on_a_desk_in_light_and_in_dark(tmp_path, width, scheme):
    elsewhere = [{**record, "environment": pages.THERE} for record in pages.everything()[:2]]
    text = rendered([*pages.everything(), *elsewhere], problems=["a.jsonl, line 3: not JSON"], plots=PLOTS)
    seen = measured(tmp_path, text, width, scheme)
    assert seen["width"] == width
    assert seen["dark"] == (scheme == "dark")
    assert seen["scrolls"] <= width
    assert seen["texts"] > 300
    assert seen["faint"] == []
    assert seen["requests"] == []
    assert all(seen["images"])
    assert all(width > 0 and height > 0 for width, height in seen["equations"])


@pytest.mark.parametrize("width", [400, 1280])
def test_every_formula_of_the_catalogue_has_an_equation_with_a_size(tmp_path, width):
    records = catalogue()
    seen = measured(tmp_path, rendered(records), width)
    assert len(seen["statements"]) == len(records)
    for equations in seen["statements"]:
        assert equations
        assert all(width > 5 and height > 5 for width, height in equations)
    assert seen["scrolls"] <= width


@pytest.mark.parametrize("width", [400, 1280])
def test_words_that_never_end_do_not_widen_the_page(tmp_path, width):
    assert measured(tmp_path, rendered(UNBROKEN), width)["scrolls"] <= width


def test_a_failing_run_shows_heat_map_counterexample_and_diagnosis(tmp_path):
    seen = measured(tmp_path, rendered([pages.formula(), pages.failing()]))
    assert [text for text, _ in seen["heat"]] == ["0.3", "12", "not a number", "5 × 10¹⁴", "0.0", "∞"]
    right, slight, worst = (seen["heat"][i][1] for i in (0, 1, 3))
    assert len({right, slight, worst}) == 3
    for words in ("Smallest counterexample", "W = [[0.0, 1.0], [0.5, 0.0]]", "Diagnosis", "h[t] in place of h[t-1]"):
        assert words in seen["visible"]


def test_the_browser_has_nothing_to_complain_of(tmp_path):
    written = tmp_path / "index.html"
    written.write_text(rendered([*pages.everything(), *pages.hostile()], plots=PLOTS), encoding="utf-8")
    assert chromium(tmp_path, written.as_uri())[1] == []


def test_the_page_lets_nothing_load_and_nothing_run(tmp_path):
    """What a hole in the escaping would let in is stopped by the page's own policy, and the browser says so."""
    hole = "<img src='https://example.org/x.png'><script>document.title = 'hacked'</script>"
    written = tmp_path / "index.html"
    written.write_text(rendered([pages.formula()]).replace("</body>", f"{hole}</body>"), encoding="utf-8")
    document, complaints = chromium(tmp_path, written.as_uri())
    assert "<title>hacked" not in document
    assert len(complaints) == 2
    assert all("Content Security Policy" in line for line in complaints)


def test_nothing_in_hostile_records_runs_even_without_the_policy(tmp_path):
    attack = "</script></style></pre><img src=x onerror=window.hacked=1>\"'><svg onload=window.hacked=1>"
    plots = {attack: f"<svg xmlns='http://www.w3.org/2000/svg' onload='parent.hacked=1'><title>{attack}</title></svg>"}
    seen = measured(tmp_path, rendered(pages.hostile(attack), problems=[attack], plots=plots))
    assert not seen["hacked"]
    assert seen["requests"] == []


def test_what_is_faint_or_too_wide_is_found(tmp_path):
    """The measurements themselves: a page with both faults."""
    fault = "<p style='color: #999; width: 3000px'>faint</p>"
    seen = measured(tmp_path, rendered([pages.formula()]).replace("</main>", f"{fault}</main>"), 400)
    assert [text for _, text, _ in seen["faint"]] == ["faint"]
    assert seen["scrolls"] > 400
