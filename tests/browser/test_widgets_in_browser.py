"""The interactive figures in a real JupyterLab: named, moved by keyboard, readable where nothing runs."""

from pathlib import Path
from typing import Any

from browser import jupyter_driver as lab_driver
from browser.jupyter_driver import Server
from browser.sample_notebook import DRAWN, FIGURES, TRAINING


def figure(page: Any, name: str) -> Any:
    """Bring one figure into view."""
    return lab_driver.show_cell(page, lab_driver.find_cell(page, FIGURES[name]))


def press(page: Any, key: str, where: Any, role: str, name: str) -> tuple[str, str, str, str]:
    """Press a key on a named control; return the picture's and the sentence's text before and after."""
    from playwright.sync_api import expect

    control = where.get_by_role(role, name=name, exact=True)
    picture, status = where.get_by_role("img"), where.get_by_role("status")
    expect(picture).to_be_visible()
    before = picture.get_attribute("aria-label"), status.inner_text()
    control.focus()
    page.keyboard.press(key)
    expect(picture).not_to_have_attribute("aria-label", before[0])
    expect(status).not_to_have_text(before[1])
    return *before, picture.get_attribute("aria-label"), status.inner_text()


def test_unroller_answers_the_keyboard(sample: Any) -> None:
    where = figure(sample, "unroller")
    assert "3 of 6" in press(sample, "ArrowUp", where, "spinbutton", "step t")[0]
    assert "5 of 6" in press(sample, "Enter", where, "button", "Next")[2]
    assert "4 of 6" in press(sample, "Enter", where, "button", "Previous")[2]
    assert "T = 7: 7 copies" in press(sample, "ArrowUp", where, "spinbutton", "copies T")[3]
    assert "With x_1 flipped, h_4 differs" in press(sample, "Space", where, "checkbox", "flip x_1")[3]


def test_player_answers_the_keyboard(sample: Any) -> None:
    where = figure(sample, "bptt_player")
    assert press(sample, "ArrowUp", where, "spinbutton", "position")[3].startswith("Forward, t = 1:")
    for _ in range(4):
        after = press(sample, "Enter", where, "button", "Next")
    assert after[3].startswith("Backward, t = 4:")
    assert "own loss" in where.get_by_role("img").inner_html()
    assert press(sample, "Enter", where, "button", "Start")[3].startswith("Nothing has run yet")


def test_lstm_player_answers_the_keyboard(sample: Any) -> None:
    where = figure(sample, "bptt_player_lstm")
    assert press(sample, "ArrowUp", where, "spinbutton", "position")[3].startswith("Forward, t = 1:")
    for _ in range(5):
        after = press(sample, "Enter", where, "button", "Next")
    assert after[3].startswith("Backward, t = 3: into h_3 come")
    assert "along c" in where.get_by_role("img").inner_html()
    assert press(sample, "Enter", where, "button", "Start")[3].startswith("Nothing has run yet")


def test_surface_answers_the_keyboard(sample: Any) -> None:
    where = figure(sample, "loss_surface")
    assert "w_xh = −1.400" in press(sample, "ArrowUp", where, "spinbutton", "w_xh")[3]
    assert "w_hh = −1.100" in press(sample, "ArrowDown", where, "spinbutton", "w_hh")[3]
    assert "Steps taken from where you put the point: 1." in press(sample, "Enter", where, "button", "Take 1 step")[3]
    assert "point: 11." in press(sample, "Space", where, "button", "Take 10 steps")[3]
    where.get_by_role("button", name="3.0", exact=True).focus()
    sample.keyboard.press("Enter")
    assert "w_xh = −1.500" in press(sample, "Enter", where, "button", "Back to the start")[3]
    assert "w_xh = −0.455" in press(sample, "Enter", where, "button", "Take 1 step")[3], (
        "at the rate chosen by keyboard"
    )


def test_gradient_flow_answers_the_keyboard(sample: Any) -> None:
    where = figure(sample, "gradient_flow")
    assert "Radius 0.95, largest" in press(sample, "ArrowUp", where, "spinbutton", "spectral radius")[3]
    assert "singular value" in press(sample, "ArrowDown", where, "spinbutton", "non-normality")[3]
    assert "Mean slope of tanh" in press(sample, "ArrowUp", where, "spinbutton", "input scale")[3]
    assert "at lag 38" in press(sample, "ArrowDown", where, "spinbutton", "loss step t")[3]
    assert "Mean slope of sigmoid" in press(sample, "Enter", where, "button", "sigmoid")[3]


def test_gates_answer_the_keyboard(sample: Any) -> None:
    where = figure(sample, "gate_explorer")
    assert "f = 0.971" in press(sample, "ArrowUp", where, "spinbutton", "b_f (forget gate)")[3]
    assert "i = 0.818" in press(sample, "ArrowDown", where, "spinbutton", "b_i (input gate)")[3]
    assert "o = 0.924" in press(sample, "ArrowUp", where, "spinbutton", "b_o (output gate)")[3]
    assert "Pulses at steps 5 and 23" in press(sample, "Enter", where, "button", "two pulses")[3]
    assert "shuts f at step 23 alone" in press(sample, "Space", where, "button", "shuts f")[3]
    assert "Pulses at steps 6 and 23" in press(sample, "ArrowUp", where, "spinbutton", "pulse at step p")[3]
    assert "At step 39 c" in press(sample, "ArrowDown", where, "spinbutton", "steps T")[3]


def test_schedule_answers_the_keyboard(sample: Any) -> None:
    where = figure(sample, "checkpoint_schedule")
    assert "with 4 slots for states" in press(sample, "ArrowUp", where, "spinbutton", "slots")[3]
    assert press(sample, "ArrowDown", where, "spinbutton", "steps T")[3].startswith("19 steps")
    assert "slots for steps" in press(sample, "Enter", where, "button", "step")[3]
    assert "After 0 of 38 actions" in press(sample, "Enter", where, "button", "Start")[3]
    assert "After 1 of 38 actions" in press(sample, "Enter", where, "button", "Next")[3]
    assert "After 2 of 38 actions" in press(sample, "ArrowUp", where, "spinbutton", "actions done")[3]
    assert "After 1 of 38 actions" in press(sample, "Space", where, "button", "Previous")[3]
    assert "Every step has been backpropagated" in press(sample, "Enter", where, "button", "End")[3]


def test_truncation_answers_the_keyboard(sample: Any) -> None:
    where = figure(sample, "truncation_matrix")
    assert "Windows of 10" in press(sample, "ArrowUp", where, "spinbutton", "k (sliding: k2)")[3]
    assert "Every step goes back 10" in press(sample, "Enter", where, "button", "sliding")[3]
    assert "Every 2 steps go back 10" in press(sample, "ArrowUp", where, "spinbutton", "k1 (sliding)")[3]
    assert "Draw 0 of cuts" in press(sample, "Space", where, "button", "randomised")[3]
    assert where.get_by_role("spinbutton", name="k1 (sliding)", exact=True).is_disabled()
    assert sample.evaluate("document.activeElement.textContent.trim()") == "randomised", "disabling drops no focus"
    assert "with probability 0.25" in press(sample, "ArrowUp", where, "spinbutton", "p (randomised)")[3]
    assert "Draw 1 of cuts" in press(sample, "ArrowUp", where, "spinbutton", "draw (randomised)")[3]


def test_task_viewer_answers_the_keyboard(sample: Any) -> None:
    where = figure(sample, "task_viewer")
    assert "Sequence 2 of 2, step 120" in press(sample, "ArrowUp", where, "spinbutton", "sequence n")[3]
    assert "step 119 of 120" in press(sample, "ArrowDown", where, "spinbutton", "step t")[3]
    assert "step 118 of 120" in press(sample, "Enter", where, "button", "Previous")[3]
    assert "step 1 of 120" in press(sample, "Space", where, "button", "Start")[3]
    assert "step 2 of 120" in press(sample, "Enter", where, "button", "Next")[3]
    assert "step 120 of 120" in press(sample, "Enter", where, "button", "End")[3]


def test_sampler_answers_the_keyboard(sample: Any) -> None:
    from playwright.sync_api import expect

    where = figure(sample, "sampler")
    said, status = where.locator("pre", has=sample.locator("strong")), where.get_by_role("status")
    expect(said.locator("strong")).to_have_text("The import ")
    texts = [said.inner_text()]
    for role, name, key, words in (
        ("button", "0.5", "Enter", "Temperature 0.5, seed 0"),
        ("spinbutton", "seed", "ArrowUp", "Temperature 0.5, seed 1"),
        ("button", "Next", "Space", "Temperature 0.5, seed 2"),
        ("button", "Previous", "Enter", "Temperature 0.5, seed 1"),
    ):
        where.get_by_role(role, name=name, exact=True).focus()
        sample.keyboard.press(key)
        expect(status).to_contain_text(words)
        texts.append(said.inner_text())
    assert texts[4] == texts[2]
    assert len(set(texts)) == 4


def updates_done(where: Any) -> int:
    return int(where.locator("progress").get_attribute("value"))


def test_live_training_is_started_stopped_and_continued_by_keyboard(sample: Any, lab: Server) -> None:
    from playwright.sync_api import expect

    where = figure(sample, "live_training")
    status, bar = where.get_by_role("status"), where.locator("progress").locator("xpath=..")
    assert status.inner_text() == "Not training. Start makes 100,000 updates.", "Run All does not start it"
    assert updates_done(where) == 0

    where.get_by_role("button", name="Start", exact=True).focus()
    sample.keyboard.press("Enter")
    expect(status).to_have_text("Training. Stop ends it after the update under way.")
    words = bar.inner_text()
    for _ in range(3):  # the loss and the count arrive from the thread, again and again
        expect(bar).not_to_have_text(words)
        words = bar.inner_text()
    assert "loss 0." in words
    assert sample.evaluate("document.activeElement.textContent.trim()") == "Go on", "drawing drops no focus"

    # another cell runs meanwhile, and sees the session move on
    seen = updates_done(where)
    other = lab_driver.find_cell(sample, "plots.lines")
    lab_driver.run_cell(sample, other)
    assert lab_driver.errors(sample) == []
    where = figure(sample, "live_training")
    expect(where.locator("progress")).not_to_have_attribute("value", str(seen))
    assert updates_done(where) > seen

    where.get_by_role("button", name="Stop", exact=True).focus()
    sample.keyboard.press("Space")
    expect(status).to_contain_text("Saved in live.npz.")
    assert status.inner_text().startswith("Stopped after ")
    stopped = updates_done(where)
    assert f"Stopped after {stopped:,} updates" in status.inner_text()
    assert where.locator("pre", has_text="updates").last.inner_text() == f"{stopped} updates"
    assert (lab.root / "live.npz").is_file()
    lab_driver.run_cell(sample, other)  # time goes by
    assert updates_done(figure(sample, "live_training")) == stopped, "it really stops"

    where.get_by_role("button", name="Go on", exact=True).focus()
    sample.keyboard.press("Enter")
    expect(where.locator("progress")).not_to_have_attribute("value", str(stopped))
    assert updates_done(where) > stopped
    where.get_by_role("button", name="Stop", exact=True).focus()
    sample.keyboard.press("Enter")
    expect(status).to_contain_text("Stopped after ")
    where.get_by_role("button", name="Load", exact=True).focus()
    sample.keyboard.press("Enter")
    expect(status).to_contain_text("Loaded live.npz")


def test_training_bar_leaves_one_line(sample: Any) -> None:
    text = lab_driver.outputs(sample, lab_driver.find_cell(sample, TRAINING))
    assert text.split() == ["trained:", "200", "updates"]


def test_figures_in_both_themes(sample: Any, screenshots: Path) -> None:
    grounds = []
    for dark in (False, True):
        lab_driver.set_theme(sample, dark)
        for name in DRAWN:
            where = figure(sample, name)
            shown = where.locator(".jp-OutputArea-output svg[role=img]")
            shown.scroll_into_view_if_needed()
            where.screenshot(path=screenshots / f"{name}-{'dark' if dark else 'light'}.png")
            ground = shown.locator("rect").first.evaluate("r => getComputedStyle(r).fill")
            ink = shown.locator("text").last.evaluate("t => getComputedStyle(t).fill")
            grounds.append((name, dark, brightness(ground), brightness(ink)))
        where = figure(sample, "sampler")
        where.screenshot(path=screenshots / f"sampler-{'dark' if dark else 'light'}.png")
        shown = where.locator("pre", has=sample.locator("strong"))
        ground, ink = (shown.evaluate(f"e => getComputedStyle(e).{side}") for side in ("backgroundColor", "color"))
        grounds.append(("sampler", dark, brightness(ground), brightness(ink)))
    lab_driver.set_theme(sample, False)
    for name, dark, ground, ink in grounds:
        assert (ground < ink) if dark else (ground > ink), f"{name}, dark={dark}: ground {ground}, ink {ink}"
        assert abs(ground - ink) > 90, f"{name}, dark={dark}: text can hardly be told from its ground"


def brightness(colour: str) -> float:
    """Return the mean of the channels of a colour such as ``rgb(1, 2, 3)`` or ``rgba(...)``, alpha taken as 1."""
    return sum(float(part) for part in colour[colour.index("(") + 1 :].rstrip(")").split(",")[:3]) / 3


def test_untrusted_notebook_shows_the_static_pictures(page: Any, lab: Server) -> None:
    lab_driver.open_notebook(page, lab, "stranger.ipynb")
    for name in FIGURES:
        picture = figure(page, name).locator("img[alt]")
        picture.scroll_into_view_if_needed()
        page.wait_for_function(
            "image => image.complete && image.naturalWidth > 400", arg=picture.element_handle(), timeout=30000
        )
        assert len(picture.get_attribute("alt")) > 100
