"""Saving: what is read again is what was written, training goes on as if it had not stopped, no file is ever half."""

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
    """Three updates along a stream, going on from the state of the one before."""
    return loop.truncated_epoch(cell, session, SYMBOLS, 10, update)


def assert_equal(one: Any, two: Any) -> None:
    """Two sessions are the same to the last bit, types included."""
    assert one.losses == two.losses
    assert all(type(loss) is float for loss in (*one.losses, *two.losses))
    assert (one.memory is None) == (two.memory is None)
    if one.memory is not None:
        assert type(one.memory) is type(two.memory)
        assert (type(one.memory.updates), one.memory.updates) == (type(two.memory.updates), two.memory.updates)
    parts = [
        (s.model, () if s.memory is None else s.memory[1:], () if s.state is None else s.state) for s in (one, two)
    ]
    assert [type(part) for part in parts[0]] == [type(part) for part in parts[1]]
    for a, b in zip(flat(parts[0]), flat(parts[1]), strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.tobytes() == b.tobytes()


def flat(parts: Any) -> list[Any]:
    """All arrays of plain tuples and NamedTuples."""
    found: list[Any] = []
    for part in parts:
        if isinstance(part, tuple) and not hasattr(part, "_fields"):
            found += flat(part)
        else:
            found += arrays_of(part)
    return found


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


@fast_cells
def test_in_another_process_too(cell, tmp_path):
    """Nothing that goes on is kept anywhere but in the file."""
    session = advance(cell, start(cell))
    saving.save(tmp_path / "before.npz", session)
    name = cell.__name__.rsplit(".", 1)[1]
    script = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[1])]!r}\n"
        f"import test_saving as t\nfrom bptt_lessons.cells import {name} as cell\n"
        f"session = t.saving.load({str(tmp_path / 'before.npz')!r}, t.start(cell))\n"
        f"t.saving.save({str(tmp_path / 'after.npz')!r}, t.advance(cell, session))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
    assert_equal(saving.load(tmp_path / "after.npz", start(cell)), advance(cell, session))


def test_what_was_saved_is_not_changed_and_what_is_read_shares_nothing(tmp_path):
    session = advance(lstm, start(lstm))
    before = [array.copy() for array in arrays_of(session.model)]
    saving.save(tmp_path / "s.npz", session)
    one, two = (saving.load(tmp_path / "s.npz", session) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(arrays_of(session.model), before, strict=True))
    for a, b, c in zip(*(arrays_of(s.model) for s in (session, one, two)), strict=True):
        assert not np.shares_memory(a, b)
        assert not np.shares_memory(b, c)
        b[...] = 0  # one's own to write into


@pytest.mark.parametrize("name", ["session", "session.npz", "session.backup", "with a space", "naïve.npz"])
@pytest.mark.parametrize("kind", [str, Path])
def test_the_file_has_the_name_that_was_asked_for(name, kind, tmp_path):
    session = advance(rnn, start(rnn))
    saving.save(kind(tmp_path / name), session)
    assert os.listdir(tmp_path) == [name]
    assert_equal(saving.load(kind(tmp_path / name), session), session)


def test_a_name_without_a_folder_is_in_the_folder_where_one_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saving.save("here.npz", start(rnn))
    assert os.listdir(tmp_path) == ["here.npz"]
    assert_equal(saving.load("here.npz", start(rnn)), start(rnn))


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


def test_another_session_takes_the_place_of_the_older(tmp_path):
    session = start(rnn)
    for _ in range(3):
        session = advance(rnn, session)
        saving.save(tmp_path / "s.npz", session)
        assert_equal(saving.load(tmp_path / "s.npz", session), session)
    assert os.listdir(tmp_path) == ["s.npz"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, MemoryError, SystemExit])
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


@pytest.mark.parametrize("after", ["savez", "fsync", "replace"])
def test_a_writer_that_is_killed_leaves_the_older_file(after, tmp_path):
    older = advance(rnn, start(rnn))
    saving.save(tmp_path / "s.npz", older)
    script = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[1])]!r}\n"
        "import os, test_saving as t\n"
        "def die(*arguments, **more):\n"
        "    if hasattr(arguments[0], 'write'):\n"
        "        arguments[0].write(b'PK half a file'); arguments[0].flush()\n"
        "    os._exit(9)\n"
        f"setattr(t.saving.np if {after!r} == 'savez' else t.saving.os, {after!r}, die)\n"
        f"t.saving.save({str(tmp_path / 's.npz')!r}, t.advance(t.rnn, t.start(t.rnn)))\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=120).returncode == 9
    assert_equal(saving.load(tmp_path / "s.npz", older), older)
    newer = advance(rnn, older)
    saving.save(tmp_path / "s.npz", newer)  # what the dead one left behind is in nobody's way
    assert_equal(saving.load(tmp_path / "s.npz", newer), newer)


def saved(tmp_path: Path, session: Any) -> Path:
    """A file with a session in it."""
    saving.save(tmp_path / "s.npz", session)
    return tmp_path / "s.npz"


def test_a_file_cut_short_anywhere_is_refused(tmp_path):
    session = loop.Session(np.arange(6.0).reshape(2, 3), losses=(1.0, 2.0))
    path = saved(tmp_path, session)
    whole = path.read_bytes()
    for length in [*range(60), *range(60, len(whole), 7), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="no saved session, or it is damaged") as refusal:
            saving.load(path, session)
        assert str(path) in str(refusal.value)


def test_a_file_with_a_wrong_byte_is_refused_or_read_as_it_was(tmp_path):
    """Every byte in turn: a date or a spare field does not matter, all else is noticed, and never as another error."""
    session = loop.Session(np.arange(6.0).reshape(2, 3), losses=(1.0, 2.0))
    path = saved(tmp_path, session)
    whole = path.read_bytes()
    data = whole.index(session.model.tobytes())
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (0x01, 0xFF)[place % 2]]) + whole[place + 1 :])
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


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"\x80\x04\x95\x0b", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_archive_is_refused(content, tmp_path):
    (tmp_path / "s.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"s\.npz|the file has no"):
        saving.load(tmp_path / "s.npz", start(rnn))


def test_an_array_alone_is_no_session(tmp_path):
    np.save(tmp_path / "s.npy", np.ones(3))
    with pytest.raises(ValueError, match="no saved session"):
        saving.load(tmp_path / "s.npy", start(rnn))


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


def test_no_file_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        saving.load(tmp_path / "none.npz", start(rnn))
    with pytest.raises(FileNotFoundError):
        saving.save(tmp_path / "no folder" / "s.npz", start(rnn))


def test_another_structure_shape_or_dtype_is_named(tmp_path):
    path = saved(tmp_path, advance(rnn, start(rnn)))
    like = start(rnn)
    with pytest.raises(ValueError, match=r"model\.cell\.W_xh .*\(4, 3\).*float64, expected \(4, 5\) and float64"):
        saving.load(path, start(rnn, H=5))
    with pytest.raises(ValueError, match=r"W_xh .*float64, expected \(4, 3\) and float32"):
        saving.load(path, start(rnn, np.float32))
    with pytest.raises(ValueError, match=r"model\.cell\.W_xh .* expected \(4, 12\)"):
        saving.load(path, start(lstm))
    with pytest.raises(ValueError, match=r"holds .*memory\.mean\.cell\.W_hh.*as well"):
        saving.load(path, like._replace(memory=None))
    with pytest.raises(ValueError, match="the file has state, and the session has none"):
        saving.load(path, like._replace(state=None))
    with pytest.raises(ValueError, match=r"the file has no state\.h"):
        saving.load(path, like._replace(state=lstm.State(like.state, like.state)))
    with pytest.raises(ValueError, match=r"like must be loop\.Session"):
        saving.load(path, like.model)
    path = saved(tmp_path, like._replace(state=None, memory=None))
    with pytest.raises(ValueError, match=r"the file has no memory\.updates"):
        saving.load(path, like)
    path = saved(tmp_path, start(lstm))
    with pytest.raises(ValueError, match=r"holds state\.c, state\.h as well"):
        saving.load(path, start(lstm)._replace(state=None))


@pytest.mark.parametrize("bad", ["text", [1.0, "a"], np.array([None]), {"a": 1}, object()])
def test_what_is_no_number_is_not_saved(bad, tmp_path):
    with pytest.raises(ValueError, match=r"session\.memory must be an array of numbers"):
        saving.save(tmp_path / "s.npz", start(rnn)._replace(memory=bad))
    assert os.listdir(tmp_path) == []
