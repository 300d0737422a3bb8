"""From tokens to Python's expression tree, with every place kept.

Python's own parser never sees a user's word, number or text: they go in as placeholders (``n3``, ``c5``), so
that nothing in them can have a meaning to it. What comes out is checked against a list of allowed parts.
"""

import ast
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import NoReturn

from winnow_operators.condition.failure import ConditionError, Span
from winnow_operators.condition.limits import ConditionLimits
from winnow_operators.condition.tokens import Kind, Token, tokenise

_ALLOWED = (
    ast.BoolOp,
    ast.UnaryOp,
    ast.BinOp,
    ast.Compare,
    ast.Call,
    ast.keyword,
    ast.Name,
    ast.Tuple,
    ast.Constant,
    ast.And,
    ast.Or,
    ast.Not,
    ast.USub,
    ast.UAdd,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.Mod,
    ast.Pow,
    ast.Eq,
    ast.NotEq,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.In,
    ast.NotIn,
    ast.Load,
)
_PREFIX = {Kind.NAME: "n", Kind.NUMBER: "c", Kind.TEXT: "t"}


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed condition whose names are placeholders."""

    text: str
    file: str
    root: ast.expr
    tokens: tuple[Token, ...]
    starts: tuple[int, ...]
    """Column of each token in the text that Python parsed."""

    def token(self, name: ast.Name) -> Token:
        """The token behind a placeholder."""
        return self.tokens[int(name.id[1:])]

    def span(self, node: ast.expr | ast.keyword) -> Span:
        """Where the node stands in the user's text."""
        first = bisect_right(self.starts, node.col_offset) - 1
        last = bisect_right(self.starts, (node.end_col_offset or node.col_offset + 1) - 1) - 1
        return Span(self.tokens[first].span.start, self.tokens[last].span.end)

    def fail(self, sentence: str, at: ast.expr | ast.keyword | Span) -> NoReturn:
        """Refuse the condition.

        Raises:
            ConditionError: always.

        """
        raise ConditionError(sentence, self.text, at if isinstance(at, Span) else self.span(at), self.file)


def parse(text: str, limits: ConditionLimits, file: str = "") -> Tree:
    """Parse the text of a condition.

    Raises:
        ConditionError: it is no expression of the condition language, or beyond a limit.

    """
    tokens = tuple(tokenise(text, limits, file))
    if not tokens:
        raise ConditionError("The condition is empty.", text, Span(0, 1), file)
    _check_tokens(tokens, text, limits, file)
    pieces, starts, column = [], [], 0
    for index, token in enumerate(tokens):
        piece = _placeholder(index, token)
        starts.append(column)
        pieces.append(piece)
        column += len(piece) + 1
    try:
        root = ast.parse(" ".join(pieces), mode="eval").body
    except SyntaxError as error:
        _not_python(tokens, tuple(starts), error, text, file)
    tree = Tree(text, file, root, tokens, tuple(starts))
    _check_tree(tree, limits)
    return tree


def _placeholder(index: int, token: Token) -> str:
    if token.kind in _PREFIX:
        return f"{_PREFIX[token.kind]}{index}"
    return token.text.capitalize() if token.text in ("true", "false") else token.text


def _check_tokens(tokens: tuple[Token, ...], text: str, limits: ConditionLimits, file: str) -> None:
    """Catch what would blow Python's parser up, or what it would explain badly."""
    depth = signs = 0
    opened: list[Token] = []
    for index, token in enumerate(tokens):
        if token.kind is Kind.SIGN and token.text == "(":
            opened.append(token)
        elif token.kind is Kind.SIGN and token.text == ")":
            if not opened:
                raise ConditionError("There is no '(' for this ')'.", text, token.span, file)
            opened.pop()
        signs = signs + 1 if token.text in ("not", "-", "+") and token.kind is not Kind.TEXT else 0
        depth = max(depth, len(opened), signs)
        if depth > limits.max_depth:
            sentence = f"The condition nests deeper than {limits.max_depth} levels; it was not read."
            raise ConditionError(sentence, text, token.span, file)
        is_keyword = (
            index > 1 and tokens[index - 1].kind is Kind.NAME and tokens[index - 2].text in ("(", ",")
        )
        if token.kind is Kind.SIGN and token.text == "=" and not is_keyword:
            raise ConditionError("'=' stores nothing here; write '==' to compare.", text, token.span, file)
    if opened:
        raise ConditionError("This '(' is never closed.", text, opened[-1].span, file)


def _not_python(
    tokens: tuple[Token, ...], starts: tuple[int, ...], error: SyntaxError, text: str, file: str
) -> NoReturn:
    last = tokens[-1]
    if not _is_operand(last) and last.text != ")":
        raise ConditionError(f"The condition ends too early, after {last.text!r}.", text, last.span, file)
    index = max(0, bisect_right(starts, (error.offset or 1) - 1) - 1)
    # Python points at one of two operands that lack an operator; the second is the one that surprises.
    for first, second in pairwise(tokens[max(0, index - 1) : index + 2]):
        if _is_operand(first) and _is_operand(second):
            sentence = f"{second.text!r} follows {first.text!r} without an operator between them."
            raise ConditionError(sentence, text, second.span, file) from None
    token = tokens[index]
    raise ConditionError(f"{token.text!r} was not expected here.", text, token.span, file) from None


def _is_operand(token: Token) -> bool:
    return token.kind in _PREFIX or token.text in ("true", "false")


def _check_tree(tree: Tree, limits: ConditionLimits) -> None:
    """Allow only known parts, so many of them, so deep; without recursion."""
    count = 0
    stack: list[tuple[ast.AST, int]] = [(tree.root, 1)]
    while stack:
        node, depth = stack.pop()
        count += 1
        place = node if isinstance(node, ast.expr | ast.keyword) else tree.root
        if not isinstance(node, _ALLOWED):
            kind = type(node).__name__
            tree.fail(f"A condition cannot hold this part ({kind}); there are + - * / % **.", place)
        if count > 3 * limits.max_nodes or depth > limits.max_depth + 1:
            limit = (
                f"{limits.max_depth} levels" if depth > limits.max_depth + 1 else f"{limits.max_nodes} parts"
            )
            tree.fail(f"The condition has more than {limit}; it was not read.", place)
        if isinstance(node, ast.Call) and not isinstance(node.func, ast.Name):
            tree.fail("Only functions of the language can be called.", node)
        stack.extend((child, depth + 1) for child in ast.iter_child_nodes(node))
