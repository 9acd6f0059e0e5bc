"""What people take for one another: operators, and functions that do something like each other."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

OPERATORS: dict[type[ast.AST], tuple[Any, ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add, ast.Mult),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div, ast.Mod),
    ast.Mod: (ast.FloorDiv,),
    ast.MatMult: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
IN_PLACE = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power"}
SIBLINGS = {
    "sum": ("mean", "max"), "mean": ("sum", "max"), "max": ("min", "mean"), "min": ("max",), "prod": ("sum",),
    "maximum": ("minimum",), "minimum": ("maximum",), "argmax": ("argmin",), "argmin": ("argmax",),
    "tanh": ("sin", "arctan", "cosh"), "exp": ("expm1", "exp2"), "log": ("log2", "log10", "log1p"),
    "sqrt": ("square", "cbrt"), "abs": ("square", "real"), "sign": ("abs",), "real": ("imag",), "imag": ("real",),
    "logaddexp": ("logaddexp2", "maximum", "add"), "floor": ("ceil",), "ceil": ("floor",), "divide": ("multiply",),
    "zeros": ("ones",), "ones": ("zeros",), "zeros_like": ("ones_like",), "ones_like": ("zeros_like",),
    "eye": ("ones",), "full": ("zeros",), "arange": ("ones",), "diag": ("ravel",), "tile": ("repeat",),
    "stack": ("concatenate", "hstack"), "concatenate": ("stack",), "cumsum": ("cumprod",), "cumprod": ("cumsum",),
    "eigvals": ("eigvalsh", "svdvals"), "normal": ("uniform", "standard_normal"), "any": ("all",), "all": ("any",),
    "random": ("standard_normal",), "append": ("extend",), "extend": ("append", "appendleft"),
    "value": ("derivative",), "derivative": ("value",), "ndindex": ("arange",), "uniform": ("zeros",),
    "sorted": ("list",), "add": ("subtract",),
}  # fmt: skip
UFUNCS = {name for name in dir(np) if isinstance(getattr(np, name), np.ufunc)}
DRAWN = {"tanh": "sigmoid", "sigmoid": "tanh"}  # one is NumPy's, the other the package's
