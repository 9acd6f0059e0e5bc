"""Live training without a browser: it runs in a thread, stops, goes on, saves, loads, and says what it does."""

from __future__ import annotations

import asyncio
import re
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from svg_reader import sentence, words

from bptt_lessons.cells import lstm
from bptt_lessons.gradients.gradcheck import worst_error
from bptt_lessons.tasks import adding
from bptt_lessons.training import loop, optim, readout, saving
from bptt_lessons.views import live_training, widgets

SECONDS = 30  # that a thread may take before a test fails; never reached where all is well


def begin() -> loop.Session:
    rng = np.random.default_rng(0)
    model = loop.Model(lstm.init(rng, 2, 4), readout.init(rng, 4, 1))
    return loop.Session(model, optim.adam_start(model))


def advance(session: loop.Session) -> loop.Session:
    """One update on a batch that depends on the number of updates only."""
    batch = adding.sequences(np.random.default_rng((0, len(session.losses))), 6, 3)
    return loop.fit(
        session,
        [batch],
        lambda model, b: loop.loss_and_gradient(lstm, model, b.x, b.target, b.mask),
        lambda model, grads, memory: optim.adam(model, grads, memory, 1e-2),
    )


def trained(updates: int) -> loop.Session:
    return loop.train(begin(), advance, updates)


def assert_same(one: loop.Session, other: loop.Session) -> None:
    assert one.losses == other.losses
    assert worst_error(one.model, other.model)[1] == 0
    assert one.memory.updates == other.memory.updates
    assert worst_error(one.memory.mean, other.memory.mean)[1] == 0
    assert worst_error(one.memory.square, other.memory.square)[1] == 0


class Gate:
    """An `advance` that waits before chosen updates, so that a test decides when the next one ends."""

    def __init__(self, *waits: int) -> None:
        self.waits, self.reached, self.opened = set(waits), threading.Event(), threading.Event()
        self.calls = 0

    def __call__(self, session: loop.Session) -> loop.Session:
        self.calls += 1
        if len(session.losses) in self.waits:
            self.reached.set()
            assert self.opened.wait(SECONDS)
        return advance(session)


def test_nothing_runs_until_start_is_pressed() -> None:
    gate = Gate()
    before = threading.active_count()
    live = widgets.live_training(begin(), gate, 5)
    assert live._repr_mimebundle_()["text/plain"] == "Interactive figure: run this cell to play with live training"
    assert gate.calls == 0
    assert threading.active_count() == before
    assert live.session.losses == ()
    assert "no update yet" in words(live.picture.value)
    assert set(live.controls) == {"Start", "Stop"}
    live.controls["Stop"].click()  # nothing to stop
    assert sentence(live) == "Not training. Start makes 5 updates."


def test_start_trains_in_a_thread_that_ends_with_the_kernel() -> None:
    gate = Gate(2)
    live = widgets.live_training(begin(), gate, 5)
    live.controls["Start"].click()
    assert gate.reached.wait(SECONDS)
    (thread,) = (t for t in threading.enumerate() if t.name == "bptt training")
    assert thread.daemon
    assert len(live.session.losses) == 2, "the latest whole session, while the third update is under way"
    assert sentence(live).startswith("Training.")
    gate.opened.set()
    assert live.wait(SECONDS)
    assert_same(live.session, trained(5))
    assert sentence(live).startswith("Done after 5 updates, loss ")


def test_going_on_is_bit_for_bit_what_no_stop_gives() -> None:
    gate = Gate(7)
    live = widgets.live_training(begin(), gate, 20)
    live.controls["Start"].click()
    assert gate.reached.wait(SECONDS)
    live.controls["Stop"].click()
    assert sentence(live) == "Stopping after the update under way."
    gate.opened.set()
    assert live.wait(SECONDS)
    assert len(live.session.losses) == 8, "the update under way is made, and no other"
    assert sentence(live).startswith("Stopped after 8 updates")
    live.start()
    assert live.wait(SECONDS)
    assert len(live.session.losses) == 20, "a stop does not change where the training ends"
    assert_same(live.session, trained(20))
    live.start()
    assert live.wait(SECONDS)
    assert_same(live.session, trained(40))


def test_start_pressed_twice_starts_once() -> None:
    gate = Gate(1)
    live = widgets.live_training(begin(), gate, 4)
    live.start()
    assert gate.reached.wait(SECONDS)
    thread = live._thread
    live.start()
    assert live._thread is thread
    gate.opened.set()
    assert live.wait(SECONDS)
    assert gate.calls == 4


def test_go_on_is_not_lost_when_the_thread_has_just_decided_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread returns from ``loop.train`` as if stopped, while the state says by then that it should run."""
    train, calls = loop.train, []

    def nervous(session: Any, one: Any, updates: int, on_update: Any, stopped: Any) -> Any:
        calls.append(updates)
        return train(session, one, 3 if len(calls) == 1 else updates, on_update, stopped)

    monkeypatch.setattr(live_training.loop, "train", nervous)
    live = widgets.live_training(begin(), advance, 10)
    live.start()
    assert live.wait(SECONDS)
    assert calls == [10, 7]
    monkeypatch.undo()
    assert_same(live.session, trained(10))


def test_an_error_is_told_and_the_last_whole_session_kept() -> None:
    def failing(session: loop.Session) -> loop.Session:
        if len(session.losses) == 3:
            raise RuntimeError("no <b> more")
        return advance(session)

    live = widgets.live_training(begin(), failing, 9)
    live.start()
    assert live.wait(SECONDS)
    assert sentence(live).startswith(
        "Ended by an error after 3 updates, whose session is kept. RuntimeError: no <b> more (in failing, line "
    )
    assert 'raise RuntimeError("no <b> more")' in sentence(live)
    assert_same(live.session, trained(3))
    live.start()  # can be tried again
    assert live.wait(SECONDS)
    assert "after 3 updates" in sentence(live)


@pytest.mark.parametrize("stopper", [lambda s: s, lambda s: None, lambda s: 1 / 0, lambda s: exit()])
def test_whatever_advance_does_the_buttons_go_on_working(stopper: Any) -> None:
    live = widgets.live_training(begin(), stopper, 2)
    live.start()
    assert live.wait(SECONDS)
    assert sentence(live).startswith("Ended by an error after 0 updates")
    assert live.session.losses == ()


def test_saved_at_stop_and_at_the_end_and_loaded(tmp_path: Any) -> None:
    path, gate = tmp_path / "net.npz", Gate(3)
    live = widgets.live_training(begin(), gate, 10, path=path)
    assert list(live.controls) == ["Start", "Stop", "Save", "Load"]
    live.controls["Load"].click()
    assert sentence(live) == "Nothing was loaded: there is no file net.npz yet."
    live.start()
    assert gate.reached.wait(SECONDS)
    live.controls["Load"].click()
    assert sentence(live) == "Nothing was loaded, because it is training. Press Stop first."
    live.controls["Save"].click()
    assert sentence(live) == "Saved in net.npz. Training goes on."
    assert_same(saving.load(path, begin()), trained(3))
    live.stop()
    gate.opened.set()
    assert live.wait(SECONDS)
    assert sentence(live).endswith("Saved in net.npz.")
    assert_same(saving.load(path, begin()), trained(4))

    fresh = widgets.live_training(begin(), advance, 10, path=path, label="another kernel")
    fresh.controls["Load"].click()
    assert sentence(fresh) == "Loaded net.npz, with 4 updates. Go on takes up from there."
    assert fresh.controls["Start"].description == "Go on"
    fresh.start()
    assert fresh.wait(SECONDS)
    assert_same(fresh.session, trained(10))
    assert_same(saving.load(path, begin()), trained(10))


def test_files_that_cannot_be_read_or_written_are_told(tmp_path: Any) -> None:
    path = tmp_path / "net.npz"
    path.write_bytes(b"nothing of the kind")
    live = widgets.live_training(begin(), advance, 2, path=path)
    live.load()
    assert "Nothing was loaded" in sentence(live)
    assert "damaged" in sentence(live)
    path.unlink()
    path.mkdir()
    live.start()
    assert live.wait(SECONDS)
    assert sentence(live).startswith("Done after 2 updates")
    assert "It could not be saved" in sentence(live)
    assert_same(live.session, trained(2))


def test_a_cell_run_again_stops_the_training_of_the_old_figure() -> None:
    gate = Gate(2)
    old = widgets.live_training(begin(), gate, 50, label="mine")
    old.start()
    assert gate.reached.wait(SECONDS)
    widgets.live_training(begin(), advance, 5, label="not mine")
    assert sentence(old).startswith("Training.")
    widgets.live_training(begin(), advance, 5, label="mine")
    gate.opened.set()
    assert old.wait(SECONDS)
    assert len(old.session.losses) == 3


def test_the_sample_is_shown_and_escaped() -> None:
    live = widgets.live_training(begin(), advance, 3, sample=lambda session: f"<b>&\n{len(session.losses)}")
    assert live.text.value == ""
    live.start()
    assert live.wait(SECONDS)
    shown = ElementTree.fromstring(live.text.value)
    assert "".join(shown.itertext()) == "After 3 updates:<b>&\n3"
    assert "pre-wrap" in shown.find("pre").get("style")


def test_a_sample_that_fails_is_told() -> None:
    live = widgets.live_training(begin(), advance, 3, sample=lambda session: 1 / 0)  # type: ignore[arg-type, return-value]
    live.start()
    assert live.wait(SECONDS)
    assert "ZeroDivisionError" in sentence(live)
    assert_same(live.session, trained(3))


@pytest.mark.parametrize("losses", [(), (0.0,), (2.0,), (2.0, 2.0), (-1.0, 3.0), (np.nan,), (np.inf, 1.0), (1e-9, 1e9)])
def test_odd_losses_are_drawn(losses: tuple[float, ...]) -> None:
    drawing = live_training.draw(losses, 10, bits=False)
    assert "nan" not in re.sub(r'aria-label="[^"]*"', "", drawing.svg)
    ElementTree.fromstring(drawing.svg)


def test_the_file_of_an_earlier_training_is_never_written_over(tmp_path: Any) -> None:
    path = tmp_path / "saved.npz"
    first = widgets.live_training(begin(), advance, 2, path=path, label="earlier")
    first.start()
    assert first.wait(20)
    kept = path.read_bytes()
    second = widgets.live_training(begin(), advance, 3, path=path, label="later")
    second.start()
    assert second.wait(20)
    assert path.read_bytes() == kept
    assert len(saving.load(tmp_path / "saved-2.npz", begin()).losses) == 3
    assert "saved.npz holds an earlier training" in second.status.value


def test_a_training_goes_on_writing_to_the_file_that_it_loaded(tmp_path: Any) -> None:
    path = tmp_path / "saved.npz"
    first = widgets.live_training(begin(), advance, 2, path=path, label="earlier")
    first.start()
    assert first.wait(20)
    second = widgets.live_training(begin(), advance, 3, path=path, label="later")
    second.load()
    second.start()
    assert second.wait(20)
    assert len(saving.load(path, begin()).losses) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["saved.npz"]


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody start a thread, as in a browser."""

    def start(*arguments: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)


@pytest.fixture
def _no_loop() -> Iterator[None]:
    """Set aside the loop that playwright keeps running in this thread where browser tests came before."""
    outer = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(outer)


@pytest.mark.usefixtures("no_threads", "_no_loop")
def test_without_threads_it_trains_between_other_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_training, "SECONDS_OF_A_TURN", 0.0)  # one update each
    samples: list[int] = []

    def sample(session: loop.Session) -> str:
        samples.append(len(session.losses))
        return "said"

    async def press() -> None:
        live = widgets.live_training(begin(), advance, 5, sample=sample)
        live.controls["Start"].click()
        assert live.session.losses == ()
        while len(live.session.losses) < 2:
            await asyncio.sleep(0)
        live.controls["Stop"].click()
        while not sentence(live).startswith("Stopped after "):
            await asyncio.sleep(0)
        assert len(live.session.losses) < 5
        live.controls["Start"].click()  # which now says Go on
        while not sentence(live).startswith("Done after 5 updates"):
            await asyncio.sleep(0)
        assert_same(live.session, trained(5))
        assert len(samples) == 2, "when it stopped, and when it was done"

    asyncio.run(asyncio.wait_for(press(), SECONDS))


@pytest.mark.usefixtures("no_threads", "_no_loop")
def test_without_threads_waiting_is_training() -> None:
    async def press() -> None:
        live = widgets.live_training(begin(), advance, 5)
        live.controls["Start"].click()
        assert live.wait()
        assert_same(live.session, trained(5))

    asyncio.run(asyncio.wait_for(press(), SECONDS))
    live = widgets.live_training(begin(), advance, 5)
    live.controls["Start"].click()  # nothing else to be done: at once
    assert_same(live.session, trained(5))
    assert sentence(live).startswith("Done after 5 updates")
