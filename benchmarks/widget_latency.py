"""How long an interactive figure takes from key press to new picture, in a real JupyterLab.

Run ``python benchmarks/widget_latency.py``.  It needs Chromium and the development
dependency playwright.  A press counts from the key event in the page until the frame
with the changed picture has been painted: the way to the kernel and back included.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "browser"))

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


def presses(page: Any, name: str, times: int) -> list[float]:
    """Press the arrow keys on one figure's control; return milliseconds for each press."""
    cell = lab_driver.show_cell(page, lab_driver.find_cell(page, sample_notebook.FIGURES[name]))
    control = cell.get_by_role("spinbutton", name=CONTROLS[name], exact=True)
    picture = cell.locator("svg[role=img], pre:has(strong)").locator("xpath=../..").element_handle()
    control.focus()
    taken = []
    for number in range(times + 3):  # the first three warm up
        page.evaluate(WATCH, picture)
        page.keyboard.press("ArrowDown" if number % 2 else "ArrowUp")
        lab_driver.wait_for(page, "() => window.bpttLatency !== null")
        taken.append(page.evaluate("() => window.bpttLatency"))
    return taken[3:]


def main() -> int:
    """Print one table; return 1 if a median is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--presses", type=int, default=30, help="presses for each figure (default 30)")
    arguments = parser.parse_args()
    if arguments.presses < 2:
        parser.error("--presses must be at least 2")
    if not lab_driver.CHROMIUM:
        parser.error("no Chromium found; name the program in the environment variable CHROMIUM")
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="bptt-latency-") as folder, sync_playwright() as playwright:
        root = Path(folder, "root")
        root.mkdir()
        sample_notebook.write(root / "sample.ipynb")
        with lab_driver.jupyter_lab(root, Path(folder, "jupyter")) as server:
            browser = playwright.chromium.launch(
                executable_path=lab_driver.CHROMIUM, args=list(lab_driver.CHROMIUM_ARGUMENTS)
            )
            page = browser.new_page(viewport={"width": 1280, "height": 1000})
            lab_driver.open_notebook(page, server, "sample.ipynb")
            lab_driver.run_all(page)
            rows = {name: presses(page, name, arguments.presses) for name in CONTROLS}
            browser.close()
    print(
        f"Key press to painted picture, {arguments.presses} presses each, {os.cpu_count()} cores, headless Chromium\n"
    )
    print(f"{'figure':20} {'median ms':>10} {'p90 ms':>8}")
    for name, taken in rows.items():
        print(f"{name:20} {statistics.median(taken):10.0f} {statistics.quantiles(taken, n=10)[-1]:8.0f}")
    return int(any(statistics.median(taken) > LIMITS.get(name, LIMIT) for name, taken in rows.items()))


if __name__ == "__main__":
    raise SystemExit(main())
