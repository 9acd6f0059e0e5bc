"""How long an interactive figure takes from key press to new picture, in a real JupyterLab.

A press counts from the key event in the page until the frame with the changed picture has been painted: the way to
the kernel and back included.  It needs Chromium and the development dependency playwright.

    python benchmarks/widget_latency.py
    python benchmarks/widget_latency.py --presses 100
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import page

sys.path.insert(0, str(page.ROOT / "tests" / "browser"))

import jupyter_driver as lab_driver
import sample_notebook

CONTROLS = {
    "unroller": "step t",
    "bptt_player": "position",
    "bptt_player_lstm": "position",
    "loss_surface": "w_xh",
    "gradient_flow": "spectral radius",  # a new matrix, a new run and 40 new gradients at every press
    "gate_explorer": "b_f (forget gate)",
    "checkpoint_schedule": "slots",
    "truncation_matrix": "k (sliding: k2)",
    "task_viewer": "sequence n",  # step t stands at its end, where a press up changes nothing
    "sampler": "seed",  # 300 characters, said one after the other by an LSTM of 128 units
}
LIMIT = 100  # milliseconds, for the median
LIMITS = {"sampler": 1000}

# Puts the time of one press into window.bpttLatency: from the keydown event to just after the paint.
WATCH = """output => {
    window.bpttLatency = null;
    let pressed = null;
    document.addEventListener('keydown', event => { pressed = event.timeStamp }, {capture: true, once: true});
    const observer = new MutationObserver(() => {
        observer.disconnect();
        requestAnimationFrame(() => {
            const channel = new MessageChannel();
            channel.port1.onmessage = () => { window.bpttLatency = performance.now() - pressed };
            channel.port2.postMessage(null);
        });
    });
    observer.observe(output, {childList: true, subtree: true});
}"""


def presses(tab: Any, name: str, times: int) -> list[float]:
    """Press the arrow keys on one figure's control; return milliseconds for each press."""
    cell = lab_driver.show_cell(tab, lab_driver.find_cell(tab, sample_notebook.FIGURES[name]))
    control = cell.get_by_role("spinbutton", name=CONTROLS[name], exact=True)
    picture = cell.locator("svg[role=img], pre:has(strong)").locator("xpath=../..").element_handle()
    control.focus()
    taken = []
    for number in range(times + 3):  # the first three warm up
        tab.evaluate(WATCH, picture)
        tab.keyboard.press("ArrowDown" if number % 2 else "ArrowUp")
        lab_driver.wait_for(tab, "() => window.bpttLatency !== null")
        taken.append(tab.evaluate("() => window.bpttLatency"))
    return taken[3:]


def main() -> int:
    """Press keys; return 1 if a median is above the limit."""
    parser = page.parser(__doc__)
    parser.add_argument("--presses", type=page.at_least(2), default=30, help="presses for each figure (30)")
    return page.run(measure, parser)


def measure(options: argparse.Namespace) -> page.Result:
    """Press keys on every figure, in a JupyterLab and a Chromium of their own."""
    if not lab_driver.CHROMIUM:
        raise page.LeftOut("no Chromium found; name the program in the environment variable CHROMIUM")
    if importlib.util.find_spec("playwright") is None:
        raise page.LeftOut("playwright is not installed")
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="bptt-latency-") as folder, sync_playwright() as playwright:
        root = Path(folder, "root")
        root.mkdir()
        sample_notebook.write(root / "sample.ipynb")
        with lab_driver.jupyter_lab(root, Path(folder, "jupyter")) as server:
            browser = playwright.chromium.launch(
                executable_path=lab_driver.CHROMIUM, args=list(lab_driver.CHROMIUM_ARGUMENTS)
            )
            chromium = browser.version
            tab = browser.new_page(viewport={"width": 1280, "height": 1000})
            lab_driver.open_notebook(tab, server, "sample.ipynb")
            lab_driver.run_all(tab)
            found = {name: presses(tab, name, options.presses) for name in CONTROLS}
            browser.close()
    rows, held = [], True
    for name, taken in found.items():
        median, limit = statistics.median(taken), LIMITS.get(name, LIMIT)
        held &= median <= limit
        ninth = statistics.quantiles(taken, n=10)[-1]
        rows.append([name, f"{median:.0f}", f"{ninth:.0f}", str(limit), page.yes(median <= limit)])
    return page.Result(
        ["figure", "median, ms", "90th percentile, ms", "asked, ms", "met"],
        rows,
        asked=f"a median of at most {LIMIT} ms from a key press to the painted picture; the sampler, which writes 300 "
        f"characters at every press, {LIMITS['sampler']} ms",
        held=held,
        how=f"{options.presses} presses of an arrow key on each figure's control after three that warm up, in headless "
        f"Chromium {chromium} on a JupyterLab of its own.",
    )


if __name__ == "__main__":
    raise SystemExit(main())
