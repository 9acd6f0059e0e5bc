"""The rules of slips: what may take the place of one node of a function's tree, and of what kind that change is."""

from __future__ import annotations

import ast
import copy
import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.course.mistakes.exchanges import DRAWN, IN_PLACE, OPERATORS, SIBLINGS, UFUNCS
from bptt_lessons.course.sandbox import copied


class Scope(NamedTuple):
    """What a run of the unchanged function has shown of its names."""

    values: Mapping[str, Any]  # the last value of each
    first_lines: Mapping[str, int]  # where each is bound first; parameters in line 0
    globals: Mapping[str, Any]


Change = tuple[str, Any]  # kind, and what takes the node's place


def scope_of(tree: ast.FunctionDef, names: Mapping[str, Any], arguments: Mapping[str, Any]) -> Scope:
    """Run a function once with its names noted down before it returns."""

    class Noted(ast.NodeTransformer):
        def visit_Return(self, node: ast.Return) -> list[ast.stmt]:
            return [ast.parse("values_seen.update(locals())").body[0], node]

    values: dict[str, Any] = {}
    noted = ast.fix_missing_locations(Noted().visit(copy.deepcopy(tree)))
    space = {**names, "values_seen": values}
    exec(compile(ast.Module([noted], []), "<noted>", "exec"), space)
    with np.errstate(all="ignore"):
        space[tree.name](*map(copied, arguments.values()))
    first_lines = {argument.arg: 0 for argument in tree.args.args}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            first_lines[node.id] = min(node.lineno, first_lines.get(node.id, node.lineno))
    return Scope(values, first_lines, names)


def left_alone(node: ast.AST) -> bool:
    """Whether a node only examines arguments, or raises.  (`check_finite` looks at a loss, and learners do too.)"""
    if isinstance(node, ast.Expr):
        node = node.value
    examines = isinstance(node, ast.Call) and name_of(node.func).startswith("check_")
    return isinstance(node, ast.Raise) or (examines and name_of(node) != "check_finite")


# The rules.  Each gets a node, the nodes above it and the scope, and yields replacements for the node.


def changes(node: Any, above: tuple[ast.AST, ...], scope: Scope) -> Iterator[Change]:
    """Yield all changes of one node, or of one list of statements."""
    if isinstance(node, list):
        yield from changes_of_statements(node, above)
        return
    for rule in RULES.get(type(node), ()):
        yield from rule(node, above, scope)


def changes_of_statements(body: list[ast.stmt], above: tuple[ast.AST, ...]) -> Iterator[Change]:
    """Leave one out; exchange neighbours; move one into the loop beside it or out of it; leave a loop early."""
    fixed = [isinstance(s, ast.Raise) or left_alone(s) for s in body]
    for number, statement in enumerate(body):
        rest = body[:number] + body[number + 1 :]
        if fixed[number]:
            continue
        yield "statement", rest or [ast.Pass()]
        if isinstance(statement, ast.If):
            yield "condition", body[:number] + statement.body + body[number + 1 :]
            if statement.orelse:
                yield "condition", body[:number] + statement.orelse + body[number + 1 :]
        if number and not fixed[number - 1]:
            yield "order", [*body[: number - 1], statement, body[number - 1], *body[number + 1 :]]
        if isinstance(statement, ast.For):
            first, last = statement.body[0], statement.body[-1]

            def loop(inside: list[ast.stmt], statement: ast.For = statement) -> ast.For:
                return ast.For(statement.target, statement.iter, inside, statement.orelse, lineno=statement.lineno)

            if len(statement.body) > 1:
                yield "loop", [*body[:number], loop(statement.body[:-1]), last, *body[number + 1 :]]
                yield "loop", [*body[:number], first, loop(statement.body[1:]), *body[number + 1 :]]
            if number + 1 < len(body):
                yield "loop", [*body[:number], loop([*statement.body, body[number + 1]]), *body[number + 2 :]]
            if number and not fixed[number - 1]:
                yield "loop", [*body[: number - 1], loop([body[number - 1], *statement.body]), *body[number + 1 :]]
            yield "loop", [*body[:number], loop([*statement.body, ast.Break()]), *body[number + 1 :]]
        if isinstance(statement, ast.Continue):
            yield "loop", [*body[:number], ast.Break()]


def operators(node: Any, above: tuple[ast.AST, ...], scope: Scope) -> Iterator[Change]:
    """Replace the operator."""
    if isinstance(node, ast.Compare):
        for number, op in enumerate(node.ops):
            for other in OPERATORS.get(type(op), ()):
                yield (
                    "operator",
                    ast.Compare(node.left, [*node.ops[:number], other(), *node.ops[number + 1 :]], node.comparators),
                )
        return
    for other in OPERATORS.get(type(node.op), ()):
        changed = copy.copy(node)
        changed.op = other()
        yield "operator", changed


def terms(node: ast.BinOp, above: tuple[ast.AST, ...], scope: Scope) -> Iterator[Change]:
    """Leave out either side; turn the sign of the left one; write the result into the left one; exchange the sides."""
    yield "term dropped", node.left
    yield "term dropped", node.right
    if isinstance(node.op, ast.Sub):
        yield "term dropped", ast.UnaryOp(ast.USub(), node.right)
        yield "sign", ast.BinOp(node.right, ast.Sub(), node.left)
    if isinstance(node.op, (ast.Add, ast.Sub)):
        yield "sign", ast.BinOp(ast.UnaryOp(ast.USub(), node.left), node.op, node.right)
    if isinstance(node.op, (ast.Div, ast.MatMult, ast.Pow, ast.FloorDiv)):
        yield "argument", ast.BinOp(node.right, node.op, node.left)
    if is_array(node.left, scope) and type(node.op) in IN_PLACE:
        call = ast.parse(f"np.{IN_PLACE[type(node.op)]}(left, right, out=left)", mode="eval").body
        assert isinstance(call, ast.Call)
        call.args, call.keywords[0].value = [node.left, node.right], node.left
        yield "in place", call


def unary(node: ast.UnaryOp, above: tuple[ast.AST, ...], scope: Scope) -> Iterator[Change]:
    """Leave out the sign, the `not` or the `~`."""
    kind = "sign" if isinstance(node.op, ast.USub) else "condition"
    yield kind, node.operand


def constants(node: ast.Constant, above: tuple[ast.AST, ...], scope: Scope) -> Iterator[Change]:
    """Take the next number, the one before, 0, 1, or twice as much; another text of the function; the other truth."""
    value, parent = node.value, above[-1]
    kind = "constant"
    if isinstance(parent, ast.keyword):
        kind = "axis" if parent.arg in ("axis", "axes", "keepdims") else kind
    elif isinstance(parent, ast.Subscript) or (len(above) > 1 and isinstance(above[-2], ast.Subscript)):
        kind = "slice" if isinstance(parent, ast.Slice) else "index"
    elif isinstance(parent, ast.Slice):
        kind = "slice"
    if isinstance(value, bool):
        yield kind, ast.Constant(not value)
    elif isinstance(value, int):
        for other in (value + 1, value - 1, 0, 1):
            yield kind, signed(other)
    elif isinstance(value, float):
        for new in (value + 1, 1 - value, 0.5 * value, 2 * value):
            yield kind, signed(new)
    elif isinstance(value, complex):
        yield kind, ast.Constant(value.imag)
    elif isinstance(value, str):
        texts = sorted(
            {n.value for n in ast.walk(above[0]) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
        )
        for text in texts:
            yield kind, ast.Constant(text)


def names(node: ast.Name, above: tuple[ast.AST, ...], scope: Scope) -> Iterator[Change]:
    """Take another name of the same kind; as an index or a bound, the one beside it."""
    if isinstance(node.ctx, ast.Store):
        return
    parent = above[-1]
    bound = [a for n in above if isinstance(n, ast.Lambda) for a in (arg.arg for arg in n.args.args)]
    kind = kind_of(scope.values.get(node.id))
    if node.id in bound:
        for other in bound:
            yield "name", ast.Name(other, ast.Load())
    elif kind and not (isinstance(parent, ast.Call) and parent.func is node):
        loops = [n for n in above if isinstance(n, ast.For)]
        end = loops[0].end_lineno if loops else None
        for other, value in scope.values.items():
            if (
                other in scope.first_lines
                and kind_of(value) == kind
                and scope.first_lines[other] < (end or node.lineno)
            ):
                yield "name", ast.Name(other, ast.Load())
    if isinstance(scope.values.get(node.id), int) or name_is_a_step(node.id, above):
        inside = next((n for n in reversed(above) if isinstance(n, (ast.Slice, ast.Subscript, ast.Call))), None)
        kind = "slice" if isinstance(inside, ast.Slice) else "index" if isinstance(inside, ast.Subscript) else "loop"
        if inside is not None and (not isinstance(inside, ast.Call) or name_of(inside.func) == "range"):
            yield kind, ast.BinOp(node, ast.Add(), ast.Constant(1))
            yield kind, ast.BinOp(node, ast.Sub(), ast.Constant(1))


def name_is_a_step(name: str, above: tuple[ast.AST, ...]) -> bool:
    """Whether a name runs over a range in a comprehension."""
    generators = (g for n in above for g in getattr(n, "generators", ()))
    return any(
        isinstance(g.target, ast.Name) and g.target.id == name and name_of(g.iter) == "range" for g in generators
    )


def turned(node: Any, above: tuple[ast.AST, ...], scope: Scope) -> Iterator[Change]:
    """Transpose, or turn the sign of, an array that is used as a whole."""
    parent = above[-1]
    if isinstance(getattr(node, "ctx", None), ast.Store) or not is_array(node, scope):
        return
    if isinstance(parent, (ast.Attribute, ast.Subscript)) or (isinstance(parent, ast.Call) and parent.func is node):
        return
    if np.ndim(value_of(node, scope)) > 1:
        yield "transposition", ast.Attribute(node, "T", ast.Load())
    for i, j in ((0, 1), (1, 2)) if np.ndim(value_of(node, scope)) > 2 else ():
        swap = ast.Attribute(node, "swapaxes", ast.Load())
        yield "transposition", ast.Call(swap, [ast.Constant(i), ast.Constant(j)], [])
    if isinstance(parent, (ast.Return, ast.Tuple, ast.Call, ast.keyword)):
        yield "sign", ast.UnaryOp(ast.USub(), node)


def attributes(node: ast.Attribute, above: tuple[ast.AST, ...], scope: Scope) -> Iterator[Change]:
    """Take another field of the same kind; leave out `.T`, `.real` and the like; take a function's sibling."""
    if isinstance(node.ctx, ast.Store):
        return
    called = isinstance(above[-1], ast.Call) and above[-1].func is node
    owner = value_of(node.value, scope)
    if hasattr(owner, "_fields") and node.attr in owner._fields:
        kind = kind_of(getattr(owner, node.attr))
        for other in owner._fields:
            if kind and kind_of(getattr(owner, other)) == kind:
                yield "field", ast.Attribute(node.value, other, ast.Load())
    if node.attr in ("T", "real", "imag"):
        yield "transposition" if node.attr == "T" else "function", node.value
    if called or node.attr == "T":
        for other in SIBLINGS.get(node.attr, ()):
            yield "function", ast.Attribute(node.value, other, ast.Load())
        if node.attr in DRAWN and DRAWN[node.attr] in scope.globals:
            yield "function", ast.Name(DRAWN[node.attr], ast.Load())


def calls(node: ast.Call, above: tuple[ast.AST, ...], scope: Scope) -> Iterator[Change]:
    """Leave out the call or one of its arguments; exchange two of them; take another function; write into the first."""
    if isinstance(node.func, ast.Name):
        for other in SIBLINGS.get(node.func.id, ()):
            if other in scope.globals or other in ("max", "min", "any", "all", "list"):
                yield "function", ast.Call(ast.Name(other, ast.Load()), node.args, node.keywords)
        if node.func.id in DRAWN and DRAWN[node.func.id] == "tanh":
            tanh = ast.parse("np.tanh", mode="eval").body
            yield "function", ast.Call(tanh, node.args, node.keywords)
    if name_of(node.func) == "reversed":
        yield "loop", node.args[0]
    whole = isinstance(above[-1], ast.Expr)
    method = isinstance(node.func, ast.Attribute) and not is_module(node.func.value, scope)
    if not whole and node.args and not name_of(node.func)[:1].isupper():
        yield "call dropped", node.args[0]
    if not whole and method and isinstance(node.func, ast.Attribute):
        yield "in place" if node.func.attr == "copy" else "call dropped", node.func.value
    for number in range(len(node.args)):
        yield "argument", ast.Call(node.func, node.args[:number] + node.args[number + 1 :], node.keywords)
    for number, keyword in enumerate(node.keywords):
        kind = "axis" if keyword.arg in ("axis", "keepdims") else "argument"
        yield kind, ast.Call(node.func, node.args, node.keywords[:number] + node.keywords[number + 1 :])
    for i, j in itertools.combinations(range(len(node.args)), 2):
        yield "argument", ast.Call(node.func, exchanged(node.args, i, j), node.keywords)
    for i, j in itertools.combinations(range(len(node.keywords)), 2):
        a, b = node.keywords[i], node.keywords[j]
        keywords = list(node.keywords)
        keywords[i], keywords[j] = ast.keyword(a.arg, b.value), ast.keyword(b.arg, a.value)
        yield "argument", ast.Call(node.func, node.args, keywords)
    if name_of(node.func) in UFUNCS and is_module(getattr(node.func, "value", None), scope) and not node.keywords:
        for argument in node.args:
            if is_array(argument, scope):
                yield "in place", ast.Call(node.func, node.args, [ast.keyword("out", argument)])
    if name_of(node.func) == "reshape":
        yield "argument", ast.Call(node.func, node.args, [*node.keywords, ast.keyword("order", ast.Constant("F"))])
    if name_of(node.func) == "range":
        yield "loop", ast.Subscript(node, ast.Slice(None, None, signed(-1)), ast.Load())
        for number, argument in enumerate(node.args):
            for beside in (ast.Add(), ast.Sub()):
                arguments = list(node.args)
                arguments[number] = ast.BinOp(argument, beside, ast.Constant(1))
                yield "loop", ast.Call(node.func, arguments, [])


def subscripts(node: ast.Subscript, above: tuple[ast.AST, ...], scope: Scope) -> Iterator[Change]:
    """Leave out the index; take the one beside it; exchange two."""
    if isinstance(node.ctx, ast.Load):
        yield "slice" if isinstance(node.slice, ast.Slice) else "index", node.value
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    for number, part in enumerate(parts):
        whole = ast.Slice(None, None, None)
        if isinstance(part, ast.Slice):
            kept = part
        else:
            kept = None
            if not isinstance(part, ast.Constant) or part.value is not None:
                yield "index", subscript(node, [*parts[:number], whole, *parts[number + 1 :]])
        if len(parts) > 1:
            yield "index", subscript(node, [*parts[:number], *parts[number + 1 :]])
        if kept is None and isinstance(part, (ast.BinOp, ast.UnaryOp, ast.Subscript)):
            for beside in (ast.Add(), ast.Sub()):
                new = ast.BinOp(part, beside, ast.Constant(1))
                yield "index", subscript(node, [*parts[:number], new, *parts[number + 1 :]])
    for i, j in itertools.combinations(range(len(parts)), 2):
        yield "index", subscript(node, exchanged(parts, i, j))


def subscript(node: ast.Subscript, parts: list[ast.expr]) -> ast.Subscript:
    """Return a subscript with other indices."""
    index = parts[0] if len(parts) == 1 else ast.Tuple(parts, ast.Load())
    return ast.Subscript(node.value, index, node.ctx)


def slices(node: ast.Slice, above: tuple[ast.AST, ...], scope: Scope) -> Iterator[Change]:
    """Move or leave out a bound; leave out or turn round the step."""
    for field in ("lower", "upper"):
        bound = getattr(node, field)
        if bound is not None:
            for new in (
                None,
                ast.BinOp(bound, ast.Add(), ast.Constant(1)),
                ast.BinOp(bound, ast.Sub(), ast.Constant(1)),
            ):
                changed = copy.copy(node)
                setattr(changed, field, new)
                yield "slice", changed
    if node.lower is None and node.step is None:
        yield "slice", ast.Slice(ast.Constant(1), node.upper, None)
    if node.upper is None and node.step is None:
        yield "slice", ast.Slice(node.lower, signed(-1), None)
    if node.step is not None:
        yield "slice", ast.Slice(node.lower, node.upper, None)
    elif node.lower is None and node.upper is None:
        yield "slice", ast.Slice(None, None, signed(-1))


def tuples(node: ast.Tuple, above: tuple[ast.AST, ...], scope: Scope) -> Iterator[Change]:
    """Exchange two; return one for another, or not at all."""
    parent = above[-1]
    if isinstance(parent, ast.Subscript):
        return  # its indices are looked at there
    if isinstance(parent, ast.Assign) and node is parent.value and isinstance(parent.targets[0], ast.Tuple):
        pairs: Iterator[tuple[int, int]] = iter(())  # the targets are exchanged already
    else:
        pairs = itertools.combinations(range(len(node.elts)), 2)
    kind = "returned" if isinstance(parent, ast.Return) else "argument" if isinstance(node.ctx, ast.Load) else "order"
    for i, j in pairs:
        yield kind, ast.Tuple(exchanged(node.elts, i, j), node.ctx)
    if isinstance(parent, ast.Return):
        for i, j in itertools.permutations(range(len(node.elts)), 2):
            yield kind, ast.Tuple([*node.elts[:i], node.elts[j], *node.elts[i + 1 :]], node.ctx)
        for i in range(len(node.elts)):
            rest = node.elts[:i] + node.elts[i + 1 :]
            yield kind, rest[0] if len(rest) == 1 else ast.Tuple(rest, node.ctx)


def assignments(node: ast.Assign, above: tuple[ast.AST, ...], scope: Scope) -> Iterator[Change]:
    """Add to what is there instead of replacing it; turn the sign; write into the old array."""
    target = node.targets[0]
    if len(node.targets) > 1 or isinstance(target, ast.Tuple):
        return
    name = target
    while isinstance(name, (ast.Subscript, ast.Attribute)):
        name = name.value
    in_loop = any(isinstance(n, ast.For) for n in above)
    if isinstance(name, ast.Name) and (scope.first_lines.get(name.id, 0) < node.lineno or in_loop):
        yield "accumulation", ast.AugAssign(target, ast.Add(), node.value)  # type: ignore[arg-type]
        if isinstance(target, ast.Name) and is_array(target, scope):
            place = ast.Subscript(ast.Name(name.id, ast.Load()), ast.Constant(...), ast.Store())
            yield "in place", ast.Assign([place], node.value, lineno=node.lineno)
    if isinstance(node.value, (ast.BinOp, ast.Call)) and not left_alone(node.value):
        yield "sign", ast.Assign(node.targets, ast.UnaryOp(ast.USub(), node.value), lineno=node.lineno)


def accumulations(node: ast.AugAssign, above: tuple[ast.AST, ...], scope: Scope) -> Iterator[Change]:
    """Replace what is there instead of adding to it; make a new array instead of writing into the old one."""
    yield "accumulation", ast.Assign([node.target], node.value, lineno=node.lineno)
    old = copy.deepcopy(node.target)
    old.ctx = ast.Load()
    yield "in place", ast.Assign([node.target], ast.BinOp(old, node.op, node.value), lineno=node.lineno)


def returns(node: ast.Return, above: tuple[ast.AST, ...], scope: Scope) -> Iterator[Change]:
    """Turn the sign of what is returned."""
    if isinstance(node.value, (ast.BinOp, ast.Call)) and not name_of(node.value)[:1].isupper():
        yield "sign", ast.Return(ast.UnaryOp(ast.USub(), node.value))


def loops(node: ast.For, above: tuple[ast.AST, ...], scope: Scope) -> Iterator[Change]:
    """Run backwards, from the second on, or up to the last but one."""
    for start, stop, step in ((None, None, -1), (1, None, None), (None, -1, None)):
        run = ast.Subscript(
            ast.Call(ast.Name("list", ast.Load()), [node.iter], []),
            ast.Slice(*(None if bound is None else signed(bound) for bound in (start, stop, step))),
            ast.Load(),
        )
        yield "loop", ast.For(node.target, run, node.body, node.orelse, lineno=node.lineno)


def conditions(node: Any, above: tuple[ast.AST, ...], scope: Scope) -> Iterator[Change]:
    """Negate the condition; take one branch always."""
    changed = copy.copy(node)
    changed.test = ast.UnaryOp(ast.Not(), node.test)
    yield "condition", changed
    if isinstance(node, ast.IfExp):
        yield "condition", node.body
        yield "condition", node.orelse


RULES: dict[type[ast.AST], tuple[Callable[[Any, tuple[ast.AST, ...], Scope], Iterator[Change]], ...]] = {
    ast.BinOp: (operators, terms),
    ast.BoolOp: (operators,),
    ast.Compare: (operators,),
    ast.UnaryOp: (unary,),
    ast.AugAssign: (operators, accumulations),
    ast.Constant: (constants,),
    ast.Name: (names, turned),
    ast.Attribute: (attributes, turned),
    ast.Call: (calls,),
    ast.Subscript: (subscripts,),
    ast.Slice: (slices,),
    ast.Tuple: (tuples,),
    ast.Assign: (assignments,),
    ast.Return: (returns,),
    ast.For: (loops,),
    ast.If: (conditions,),
    ast.IfExp: (conditions,),
}


# Helpers of the rules.


def name_of(node: ast.AST | None) -> str:
    """Return the last name of a function or call: "sum" for `np.sum` and `np.sum(x)`."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def value_of(node: ast.AST | None, scope: Scope) -> Any:
    """Return the value of a name, or of a field of one; None if it is anything else."""
    if isinstance(node, ast.Name):
        return scope.values.get(node.id, scope.globals.get(node.id))
    if isinstance(node, ast.Attribute):
        owner = value_of(node.value, scope)
        return getattr(owner, node.attr, None) if hasattr(owner, "_fields") else None
    return None


def is_array(node: ast.AST, scope: Scope) -> bool:
    """Whether a node is a name, or a field of one, for an array with axes."""
    value = value_of(node, scope)
    return isinstance(value, np.ndarray) and value.ndim > 0


def is_module(node: ast.AST | None, scope: Scope) -> bool:
    """Whether a node is a name for a module, as `np` is, or for a part of one."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and inspect.ismodule(scope.globals.get(node.id))


def kind_of(value: Any) -> str:
    """Return the kind of a value; names of different kinds are not exchanged."""
    if isinstance(value, np.ndarray) and value.ndim:
        return f"array with {value.ndim} axes"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return f"{type(value).__module__}.{type(value).__name__}"
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, (int, float, np.ndarray, np.generic)):
        return "number"
    return type(value).__name__ if isinstance(value, (str, list, range)) else ""


def exchanged(items: Sequence[Any], i: int, j: int) -> list[Any]:
    """Return the items with two of them swapped."""
    items = list(items)
    items[i], items[j] = items[j], items[i]
    return items


def signed(number: float) -> ast.expr:
    """Return a number as it is parsed: -1 is a minus sign and 1."""
    return ast.UnaryOp(ast.USub(), ast.Constant(-number)) if number < 0 else ast.Constant(number)
