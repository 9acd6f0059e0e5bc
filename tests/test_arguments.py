"""The checks at every public door: what they let in, and the words of a refusal.  (Refusals: test_bad_input.py.)"""

from __future__ import annotations

import numpy as np
import pytest

from bptt_lessons import arguments


def test_a_right_array_comes_back_itself():
    x = np.ones((4, 3, 2))
    assert arguments.check_array("x", x, "T N D", {"D": 2}) is x


def test_a_refusal_names_the_argument_its_shape_and_the_letters():
    with pytest.raises(ValueError, match=r"^x has shape \(4, 3\), expected \(T, N, D\) with D = 2$"):
        arguments.check_array("x", np.ones((4, 3)), "T N D", {"D": 2, "H": 7})
    with pytest.raises(ValueError, match=r"^b_h has shape \(3,\), expected \(H,\) with H = 2$"):
        arguments.check_array("b_h", np.ones(3), "H", {"H": 2})
    with pytest.raises(ValueError, match=r"^x has shape \(0, 3\), expected \(N, D\), every size at least 1$"):
        arguments.check_array("x", np.ones((0, 3)), "N D")


def test_nan_is_found_where_it_is():
    x = np.zeros((2, 3))
    x[1, 2] = np.nan
    with pytest.raises(ValueError, match=r"x of shape \(2, 3\) holds NaN, first at \[1, 2\]"):
        arguments.check_no_nan("x", x)
    arguments.check_no_nan("x", np.array([np.inf, -np.inf]))


def test_complex_and_real_of_one_precision_go_together():
    arguments.check_precision(a=np.ones(1), b=np.ones(1, complex))
    arguments.check_precision(a=np.ones(1, np.float32), b=np.ones(1, np.complex64))
    with pytest.raises(ValueError, match=r"mixed precision: a has dtype float64, b has dtype complex64"):
        arguments.check_precision(a=np.ones(1), b=np.ones(1, np.complex64))


def test_sizes_and_positive_numbers_come_back_as_plain_ones():
    assert type(arguments.check_size("T", np.int8(3))) is int
    assert type(arguments.check_positive("lr", np.float32(0.5))) is float
    assert arguments.check_positive("lr", 2) == 2.0


def test_a_mask_left_out_keeps_everything():
    assert np.array_equal(arguments.check_mask(None, 2, 3), np.ones((2, 3), bool))
    mask = np.eye(3, dtype=bool)
    assert arguments.check_mask(mask, 3, 3) is mask


def test_dtypes_by_name():
    assert arguments.check_dtype("float32") == np.float32
    assert arguments.check_dtype(float) == np.float64
