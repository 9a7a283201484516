"""Which fields of which classes the code reads, found in its source by following annotations.

No type checker: it knows annotated parameters and fields, properties, what `self` is given, returns of functions, and
plain assignments. Of what it can't follow it says nothing, so that a field which is read in such a way only has to be
named in the test that asks.
"""

import ast
import re
from collections.abc import Iterable, Mapping
from typing import Any

Types = frozenset[str]
NONE: Types = frozenset()
Read = tuple[str, str]  # class, attribute
_GIVING = ast.Assign | ast.AnnAssign | ast.For | ast.comprehension | ast.NamedExpr


class Reading:
    """The classes of some sources, and what is read of them."""

    def __init__(self, sources: Iterable[ast.Module], aliases: Mapping[str, Types], untyped: Mapping[str, Types]):
        """Note all classes first, then follow every function.

        `aliases` are names that stand for several classes; `untyped` says what is meant by names of which the code
        says no type, as a parameter, an attribute or a key.
        """
        self.sources = list(sources)
        self.untyped = untyped
        self.families: dict[str, list[str]] = {}
        self.types: dict[Read, Types] = {}
        self.returns: dict[str, Types] = {}
        self.reads: set[Read] = set()
        nodes = [node for source in self.sources for node in ast.walk(source)]
        self.classes: dict[str, ast.ClassDef] = {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}
        self.known = {**{name: frozenset([name]) for name in self.classes}, **aliases}
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.returns[node.name] = self.returns.get(node.name, NONE) | self.named(node.returns)
        for name, node in self.classes.items():
            self._note_members(name, node)
        for _ in range(2):  # what `self` is given may be known only once another class is
            for source in self.sources:
                self._follow_all(source, None, {})

    def named(self, annotation: ast.expr | None) -> Types:
        words = re.findall(r"\w+", ast.unparse(annotation)) if annotation else []
        return frozenset(found for word in words for found in self.known.get(word, NONE))

    def family(self, name: str) -> list[str]:
        """The class and what it inherits from."""
        if name not in self.families:
            bases = [ast.unparse(base) for base in self.classes[name].bases] if name in self.classes else []
            self.families[name] = [name, *(found for base in bases for found in self.family(base))]
        return self.families[name]

    def _note_members(self, name: str, node: ast.ClassDef) -> None:
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                self.types[name, item.target.id] = self.named(item.annotation)
            elif isinstance(item, ast.FunctionDef):
                self.types[name, item.name] = self.named(item.returns)

    def _follow_all(self, node: ast.AST, owner: str | None, scope: dict[str, Types]) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                self._follow_all(child, child.name, scope)
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                if not _only_refuses(child):
                    self._follow(child, owner, dict(scope))
            else:
                self._expressions(child, owner, scope)

    def _follow(self, function: ast.FunctionDef | ast.AsyncFunctionDef, owner: str | None, scope: Any) -> None:
        for argument in [*function.args.args, *function.args.kwonlyargs]:
            scope[argument.arg] = self.named(argument.annotation) or self.untyped.get(argument.arg, NONE)
        if owner:
            scope["self"] = frozenset([owner])
        giving = [node for node in ast.walk(function) if isinstance(node, _GIVING)]
        for node in [*giving, *giving]:  # the walk goes level by level: what is given above may be known only then
            self._assign(node, owner, scope)
        self._follow_all(function, owner, scope)

    def _expressions(self, node: ast.AST, owner: str | None, scope: dict[str, Types]) -> None:
        """Read every expression below `node`; functions in it are followed with what is known here."""
        if isinstance(node, ast.expr):
            self.type_of(node, scope)
        self._follow_all(node, owner, scope)

    def _assign(self, node: ast.AST, owner: str | None, scope: dict[str, Types]) -> None:
        pairs: list[tuple[ast.expr, ast.expr]] = []
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.For | ast.comprehension):
            pairs = [(node.target, node.iter)]
        elif isinstance(node, ast.NamedExpr):
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.AnnAssign):
            self._give(node.target, self.named(node.annotation), owner, scope)
        for target, value in pairs:
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                for one, given in zip(target.elts, value.elts, strict=False):
                    self._give(one, self.type_of(given, scope), owner, scope)
            else:
                self._give(target, self.type_of(value, scope), owner, scope)

    def _give(self, target: ast.expr, types: Types, owner: str | None, scope: dict[str, Types]) -> None:
        if isinstance(target, ast.Name) and types:
            scope[target.id] = scope.get(target.id, NONE) | types
        elif isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self" and owner and types:
            self.types[owner, target.attr] = self.types.get((owner, target.attr), NONE) | types

    def type_of(self, node: ast.expr, scope: dict[str, Types]) -> Types:
        """Return the classes that an expression may be of, and note what it reads."""
        if isinstance(node, ast.Name):
            return scope.get(node.id, NONE)
        if isinstance(node, ast.Attribute):
            return self._attribute(self.type_of(node.value, scope), node.attr)
        if isinstance(node, ast.Call):
            return self._call(node, scope)
        if isinstance(node, ast.Subscript):
            key = node.slice.value if isinstance(node.slice, ast.Constant) else None
            return self.type_of(node.value, scope) or self.untyped.get(str(key), NONE)
        parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
        return frozenset(found for part in parts for found in self.type_of(part, scope))

    def _attribute(self, owners: Types, name: str) -> Types:
        found = NONE
        for owner in owners:
            for one in self.family(owner):
                self.reads.add((one, name))
                found |= self.types.get((one, name), NONE)
        return found

    def _call(self, node: ast.Call, scope: dict[str, Types]) -> Types:
        if isinstance(node.func, ast.Attribute):
            owner = self.type_of(node.func.value, scope)
            if node.func.attr == "model_copy":
                return owner
            return self._attribute(owner, node.func.attr) or self.returns.get(node.func.attr, NONE)
        name = ast.unparse(node.func)
        if name == "getattr" and isinstance(node.args[1], ast.Constant):
            return self._attribute(self.type_of(node.args[0], scope), str(node.args[1].value))
        return self.known.get(name, NONE) or self.returns.get(name, NONE)


def _only_refuses(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A validator of pydantic: a field that is only checked has no effect."""
    return any("validator" in ast.unparse(decorator) for decorator in function.decorator_list)
