"""From the parsed tree to a checked expression: names, types and units; every error with its place."""

import ast
from dataclasses import dataclass
from typing import NoReturn

from winnow_operators.condition import calls
from winnow_operators.condition.expression import Const, Expr, Membership, Read, Timing, Value, Window, walk
from winnow_operators.condition.failure import Span, suggestion
from winnow_operators.condition.footprint import Footprint, footprint
from winnow_operators.condition.functions import ALL
from winnow_operators.condition.limits import DEFAULT_LIMITS, ConditionLimits
from winnow_operators.condition.scope import (
    ROLLING_MEDIAN,
    ROLLING_MEDIAN_S,
    ROLLING_MEDIAN_SAMPLES,
    Scope,
)
from winnow_operators.condition.syntax import Tree, parse
from winnow_operators.condition.typing_rules import (
    BOOL,
    NUMBER,
    TEXT,
    RuleError,
    arithmetic,
    comparison,
    constant,
    kind,
    logic,
    need,
    negative,
)
from winnow_operators.condition.units import NONE

_MAX_MEMBERS = 64
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Mod: "%",
    ast.Pow: "**",
}
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """A condition that may run."""

    text: str
    """As the user wrote it."""
    root: Expr
    signals: frozenset[str]
    """The signals it reads."""
    footprint: Footprint
    """What it remembers at most."""

    @property
    def key(self) -> str:
        return self.root.key


def check(text: str, scope: Scope, *, limits: ConditionLimits = DEFAULT_LIMITS, file: str = "") -> Checked:
    """Parse and check a condition.

    Raises:
        ConditionError: with the place, what is wrong, and what was probably meant.

    """
    tree = parse(text, limits, file)
    checker = Checker(tree, scope, limits)
    root = checker.expr(tree.root)
    try:
        need(root, BOOL, "A condition")
    except RuleError as error:
        tree.fail(str(error), tree.root)
    parts = list(walk(root))
    if all(isinstance(part, Const) or not _looks(part) for part in parts):
        tree.fail("The condition looks at no signal and no time, so it would never be asked.", tree.root)
    if len(parts) > limits.max_nodes:
        tree.fail(f"The condition has more than {limits.max_nodes} parts; it was not used.", tree.root)
    size = footprint(root, limits)
    if size.memories > limits.max_windows:
        tree.fail(
            f"The condition has {size.memories} windows and memories, the limit is {limits.max_windows}.",
            tree.root,
        )
    if size.total_bytes > limits.max_window_bytes:
        tree.fail(
            f"The windows of the condition may need {size.total_bytes / 2**20:.0f} MiB, the limit is "
            f"{limits.max_window_bytes / 2**20:.0f} MiB; make them shorter.",
            tree.root,
        )
    return Checked(text, root, frozenset(calls.signals_of(root)), size)


def _looks(part: Expr) -> bool:
    return isinstance(part, Read | Timing) or type(part).__name__ in ("Stale", "Place")


class Checker:
    """Walks the tree; its depth was limited by the parser."""

    def __init__(self, tree: Tree, scope: Scope, limits: ConditionLimits) -> None:
        self.tree = tree
        self.scope = scope
        self.limits = limits

    def expr(self, node: ast.expr) -> Expr:
        """Check any part."""
        try:
            return self._dispatch(node)
        except RuleError as error:
            self.tree.fail(str(error), node)

    def _dispatch(self, node: ast.expr) -> Expr:
        span = self.tree.span(node)
        if isinstance(node, ast.Name):
            return self._name(node, span)
        if isinstance(node, ast.Constant):
            return constant(bool(node.value), span)
        if isinstance(node, ast.UnaryOp):
            return self._unary(node, span)
        if isinstance(node, ast.BinOp):
            left, right = self.expr(node.left), self.expr(node.right)
            return arithmetic(_ARITHMETIC[type(node.op)], left, right, span)
        if isinstance(node, ast.BoolOp):
            op = "and" if isinstance(node.op, ast.And) else "or"
            return logic(op, tuple(self.boolean(value, f"{op!r}") for value in node.values), span)
        if isinstance(node, ast.Compare):
            return self._compare(node, span)
        if isinstance(node, ast.Call):
            return calls.check_call(self, node)
        return self.tree.fail("A list in parentheses can only stand behind 'in'.", node)

    def boolean(self, node: ast.expr, where: str) -> Expr:
        """Check a part that must be true or false."""
        item = self.expr(node)
        try:
            need(item, BOOL, where)
        except RuleError as error:
            self.tree.fail(str(error), node)
        return item

    def _unary(self, node: ast.UnaryOp, span: Span) -> Expr:
        if isinstance(node.op, ast.Not):
            return logic("not", (self.boolean(node.operand, "'not'"),), span)
        item = self.expr(node.operand)
        need(item, NUMBER, "A sign")
        return item if isinstance(node.op, ast.UAdd) else negative(item, span)

    def _name(self, node: ast.Name, span: Span) -> Expr:
        token = self.tree.token(node)
        if node.id[0] == "t":
            return constant(token.text, span)
        if node.id[0] == "c":
            unit = token.unit
            if unit is None:
                return constant(token.value, span)
            return constant(token.value * unit.factor + unit.offset, span, unit.dimension, unit.offset)
        return self.lookup(token.text, span) or self._unknown(token.text, span)

    def lookup(self, word: str, span: Span) -> Expr | None:
        """What a word means, None when nothing."""
        name = self.scope.aliases.get(word, word)
        signal = self.scope.signals.get(name)
        if signal and name in self.scope.params:
            self.tree.fail(f"{name!r} is both a signal and a parameter; rename the parameter.", span)
        if signal:
            return Read(type=signal.type, dimension=signal.dimension, key=name, span=span, name=name)
        if word in self.scope.params:
            value = self.scope.params[word]
            made = constant(value, span)
            return Const(type=made.type, key=made.key, span=span, value=made.value, param=word)
        if word == "hour":
            return Timing(type=NUMBER, dimension=NONE, key="hour", span=span, function="hour")
        if word == ROLLING_MEDIAN and self.scope.rolling_signal in self.scope.signals:
            return self._rolling_median(span)
        return None

    def _rolling_median(self, span: Span) -> Expr:
        item = self.lookup(self.scope.rolling_signal, span)
        assert item is not None
        need(item, NUMBER, ROLLING_MEDIAN)
        window_ns = round(ROLLING_MEDIAN_S * 1e9)
        return Window(
            type=NUMBER,
            dimension=item.dimension,
            key=f"median({item.key},{window_ns},{ROLLING_MEDIAN_SAMPLES},0.5)",
            span=span,
            function="median",
            item=item,
            window_ns=window_ns,
            min_samples=ROLLING_MEDIAN_SAMPLES,
        )

    def _unknown(self, word: str, span: Span) -> NoReturn:
        if word in self.scope.aliases:
            name = self.scope.aliases[word]
            self.tree.fail(f"{word!r} means the signal {name!r}, which does not exist; see 'signal'.", span)
        if "." in word:
            self.tree.fail(
                f"{word!r} reads a part of something, which a condition cannot; map the field to a signal.",
                span,
            )
        if word in ALL:
            self.tree.fail(f"{word!r} is a function; write it like {ALL[word].signature}.", span)
        hint = suggestion(word, self.scope.words)
        self.tree.fail(f"There is no signal or parameter {word!r}{hint}", span)

    def _compare(self, node: ast.Compare, span: Span) -> Expr:
        operands = [node.left, *node.comparators]
        parts: list[Expr] = []
        for index, op in enumerate(node.ops):
            left, right = operands[index], operands[index + 1]
            if isinstance(op, ast.In | ast.NotIn):
                parts.append(self._member(left, right, isinstance(op, ast.NotIn)))
                continue
            sign = _COMPARE[type(op)]
            one, two = self._pair(left, right, sign)
            try:
                parts.append(comparison(sign, one, two, one.span.to(two.span)))
            except RuleError as error:
                self.tree.fail(str(error), one.span.to(two.span))
        return parts[0] if len(parts) == 1 else logic("and", tuple(parts), span)

    def _pair(self, left: ast.expr, right: ast.expr, sign: str) -> tuple[Expr, Expr]:
        """Both sides of a comparison; a bare word beside a text signal is that text."""
        words = [self._bare_word(side) for side in (left, right)] if sign in ("==", "!=") else [None, None]
        if words[1] is not None and words[0] is None:
            one = self.expr(left)
            return one, (words[1] if one.type is TEXT else self.expr(right))
        if words[0] is not None and words[1] is None:
            two = self.expr(right)
            return (words[0] if two.type is TEXT else self.expr(left)), two
        return self.expr(left), self.expr(right)

    def _bare_word(self, node: ast.expr) -> Const | None:
        if not isinstance(node, ast.Name) or node.id[0] != "n":
            return None
        token = self.tree.token(node)
        if "." in token.text or self.lookup(token.text, token.span) is not None:
            return None
        return constant(token.text, token.span)

    def _member(self, left: ast.expr, right: ast.expr, negated: bool) -> Membership:
        item = self.expr(left)
        nodes = right.elts if isinstance(right, ast.Tuple) else [right]
        if not 1 <= len(nodes) <= _MAX_MEMBERS:
            self.tree.fail(
                f"A list behind 'in' has 1 to {_MAX_MEMBERS} values, this one {len(nodes)}.", right
            )
        if item.type is BOOL:
            self.tree.fail("'in' needs a number or a text before it.", left)
        values = tuple(self._literal(node, item) for node in nodes)
        sign = "not in" if negated else "in"
        span = self.tree.span(left).to(self.tree.span(right))
        return Membership(
            type=BOOL,
            key=f"({item.key} {sign} {values!r})",
            span=span,
            item=item,
            values=values,
            negated=negated,
        )

    def _literal(self, node: ast.expr, item: Expr) -> Value:
        value: Expr | None = self._bare_word(node) if item.type is TEXT else None
        value = value or self.expr(node)
        if not isinstance(value, Const):
            self.tree.fail("A list behind 'in' holds literals only.", node)
        if value.type is not item.type:
            self.tree.fail(f"The value is {kind(value)}, but before 'in' stands {kind(item)}.", node)
        if value.dimension and item.dimension and value.dimension != item.dimension:
            self.tree.fail(f"A value in {item.dimension} cannot be one in {value.dimension}.", node)
        return value.value
