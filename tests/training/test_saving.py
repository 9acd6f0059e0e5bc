"""Saving: what is read is what was written, training continues as if it had not stopped, no file is half-written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from any_cell import arrays_of, fast_cells

from bptt_lessons.cells import lstm, rnn
from bptt_lessons.training import loop, optim, readout, saving

K = 4
SYMBOLS = np.random.default_rng(0).integers(0, K, (31, 2))


def update(model: Any, grads: Any, memory: Any) -> tuple[Any, Any]:
    """Adam, with a high rate so that everything moves."""
    return optim.adam(model, grads, memory, 0.05)


def start(cell: Any, dtype: Any = np.float64, H: int = 3) -> loop.Session:
    """A training before its first update: Adam, and a state to carry."""
    rng = np.random.default_rng(1)
    model = loop.Model(cell.init(rng, K, H, dtype=dtype), readout.init(rng, H, K, dtype))
    return loop.Session(model, optim.adam_start(model), cell.zero_state(model.cell, 2))


def advance(cell: Any, session: loop.Session) -> loop.Session:
    """Three updates along a stream, from the state that the session carries."""
    return loop.truncated_epoch(cell, session, SYMBOLS, 10, update)


def assert_equal(one: Any, two: Any) -> None:
    """Two sessions are the same to the last bit, types included."""
    assert one.losses == two.losses
    assert all(type(loss) is float for loss in (*one.losses, *two.losses))
    assert (one.memory is None) == (two.memory is None)
    if one.memory is not None:
        assert type(one.memory) is type(two.memory)
        assert (type(one.memory.updates), one.memory.updates) == (type(two.memory.updates), two.memory.updates)
    assert [type(part) for part in one] == [type(part) for part in two]
    for a, b in zip(*(arrays_of(s.model, s.state, *(s.memory or ())[1:]) for s in (one, two)), strict=True):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


@fast_cells
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saved_read_again_and_gone_on_with_is_training_without_the_stop_bit_for_bit(cell, dtype, tmp_path):
    session = without_stop = start(cell, dtype)
    for _ in range(3):
        without_stop = advance(cell, without_stop)
    for _ in range(3):
        session = advance(cell, session)
        saving.save(tmp_path / "session.npz", session)
        session = saving.load(tmp_path / "session.npz", start(cell, dtype))
    assert_equal(session, without_stop)
    assert len(session.losses) == 9
    assert session.memory.updates == 9
    assert any(part.any() for part in arrays_of(session.state))


@pytest.mark.parametrize("name", ["session", "session.npz", "with a space", "naïve.npz"])
@pytest.mark.parametrize("kind", [str, Path])
def test_the_file_has_the_name_that_was_asked_for(name, kind, tmp_path):
    session = advance(rnn, start(rnn))
    saving.save(kind(tmp_path / name), session)
    assert os.listdir(tmp_path) == [name]
    assert_equal(saving.load(kind(tmp_path / name), session), session)


def test_a_session_that_has_little(tmp_path):
    for session in (loop.Session(np.array([1.5])), loop.Session(start(rnn).model, losses=(0.1, 1 / 3))):
        saving.save(tmp_path / "s.npz", session)
        assert_equal(saving.load(tmp_path / "s.npz", session._replace(losses=())), session)


def test_numbers_that_are_hard_to_write_down(tmp_path):
    model = np.array([np.nan, -0.0, np.inf, 5e-324, np.nextafter(1, 2)])
    session = loop.Session(model, losses=(5e-324, float(np.nextafter(1, 2)), 1e308))
    saving.save(tmp_path / "s.npz", session)
    assert_equal(saving.load(tmp_path / "s.npz", session), session)


def test_the_file_is_a_plain_npz_with_an_array_for_each_array(tmp_path):
    saving.save(tmp_path / "s.npz", advance(lstm, start(lstm)))
    with np.load(tmp_path / "s.npz", allow_pickle=False) as file:
        parameters = ["cell.W_xh", "cell.W_hh", "cell.b_h", "readout.W_hy", "readout.b_y"]
        names = [f"{where}.{name}" for where in ("model", "memory.mean", "memory.square") for name in parameters]
        assert sorted(file.files) == sorted([*names, "memory.updates", "state.h", "state.c", "losses"])
        assert not any(file[name].dtype.hasobject for name in file.files)
        assert len(file["losses"]) == 3


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("after", ["savez", "fsync", "replace"])
def test_a_failure_while_writing_leaves_the_older_file_and_no_other(error, after, tmp_path, monkeypatch):
    older = advance(rnn, start(rnn))
    saving.save(tmp_path / "s.npz", older)

    def fail(*arguments: Any, **more: Any) -> None:
        if after == "savez":
            arguments[0].write(b"PK half a file")
        raise error("no room")

    monkeypatch.setattr(saving.np if after == "savez" else saving.os, after, fail)
    with pytest.raises(error, match="no room"):
        saving.save(tmp_path / "s.npz", advance(rnn, older))
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["s.npz"]
    assert_equal(saving.load(tmp_path / "s.npz", older), older)


KILLED = """
import os, sys
import numpy as np
from bptt_lessons.training import loop, saving

def die(*arguments):
    os._exit(9)

os.replace = die
saving.save(sys.argv[1], loop.Session(np.ones(3)))
"""


def test_a_writer_that_is_killed_leaves_the_older_file(tmp_path):
    older, newer = (loop.Session(np.full(3, value)) for value in (1.5, 2.5))
    saving.save(tmp_path / "s.npz", older)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "s.npz")], check=False, timeout=120)
    assert killed.returncode == 9
    assert_equal(saving.load(tmp_path / "s.npz", older), older)
    saving.save(tmp_path / "s.npz", newer)  # what the killed process left does not get in the way
    assert_equal(saving.load(tmp_path / "s.npz", newer), newer)


def saved(tmp_path: Path, session: Any) -> Path:
    """A file with a session in it."""
    saving.save(tmp_path / "s.npz", session)
    return tmp_path / "s.npz"


def test_a_file_cut_short_anywhere_is_refused(tmp_path):
    session = loop.Session(np.arange(6.0).reshape(2, 3), losses=(1.0, 2.0))
    path = saved(tmp_path, session)
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 41), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="no saved session, or it is damaged") as refusal:
            saving.load(path, session)
        assert str(path) in str(refusal.value)


def test_a_file_with_a_wrong_byte_is_refused_or_read_as_it_was(tmp_path, whole):
    """A date or a spare field does not matter, all else is noticed, and never as another error."""
    session = loop.Session(np.arange(6.0).reshape(2, 3), losses=(1.0, 2.0))
    path = saved(tmp_path, session)
    content = path.read_bytes()
    data = content.index(session.model.tobytes())
    for place in range(0, len(content), 1 if whole else 5):
        path.write_bytes(content[:place] + bytes([content[place] ^ (0x01, 0xFF)[place % 2]]) + content[place + 1 :])
        found = read_or_refused(path, session)
        if found is not None:
            assert not data <= place < data + session.model.nbytes
            assert_equal(found, session)


def read_or_refused(path: Path, like: Any) -> Any:
    """The session in a file, or None where it is refused as it should be."""
    try:
        return saving.load(path, like)
    except ValueError:
        return None


class Harm:
    """What would run if a file were unpickled."""

    def __reduce__(self) -> Any:
        return (os.mkdir, ("harm",))


@pytest.mark.filterwarnings("ignore")
def test_code_in_a_file_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = loop.Session(np.ones(2))
    with open("s.npz", "wb") as file:
        np.savez(file, model=np.array([Harm()], dtype=object), losses=np.array([]))
    with pytest.raises(ValueError, match=r"s\.npz is no saved session.*pickle"):
        saving.load("s.npz", session)
    np.array([Harm()], dtype=object).dump("s.pkl")
    with pytest.raises(ValueError, match=r"s\.pkl is no saved session"):
        saving.load("s.pkl", session)
    assert not os.path.exists("harm")


def test_another_structure_shape_or_dtype_is_named(tmp_path):
    path = saved(tmp_path, advance(rnn, start(rnn)))
    like = start(rnn)
    with pytest.raises(ValueError, match=r"model\.cell\.W_xh .*\(4, 3\).*float64, expected \(4, 5\) and float64"):
        saving.load(path, start(rnn, H=5))
    with pytest.raises(ValueError, match=r"W_xh .*float64, expected \(4, 3\) and float32"):
        saving.load(path, start(rnn, np.float32))
    with pytest.raises(ValueError, match=r"holds .*memory\.mean\.cell\.W_hh.*as well"):
        saving.load(path, like._replace(memory=None))
    with pytest.raises(ValueError, match=r"the file has no state\.h"):
        saving.load(path, like._replace(state=lstm.State(like.state, like.state)))
