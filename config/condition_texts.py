"""Reads the text of a condition, where CEL tells no more than the names of variables and functions.

Rare ways to write a text or a comment are not worth telling apart: such a condition stays whole.
"""

import re

from config.condition_words import NESTED, OF_CUSTOMERS

_TEXT = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_NESTED = re.compile(rf"({_TEXT.pattern})|(?<![\w.])user\s*\.\s*({'|'.join(NESTED)})\b")
_OF_CUSTOMERS = "|".join(
    rf"({variable})\s*\.\s*({'|'.join(sorted(fields))})"
    for variable, fields in OF_CUSTOMERS.items()
    if fields is not None
)
_SINGLE = re.compile(rf"({_TEXT.pattern})|(?<![\w.])(?:{_OF_CUSTOMERS})\b")
_HARD_TO_READ = re.compile(r"""//|'''|\"""|\b[rRbB]{1,2}['"]""")
_BOUND = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(\s*(\w+)\s*,")
_QUOTES = "'\""
_OPENING, _CLOSING = "([{", ")]}"


def split_condition(source: str) -> list[str]:
    """Return the parts that ``&&`` joins at the outermost level.

    >>> split_condition("product.price < 9 && (user.known || size('a && b') > 1)")
    ['product.price < 9', "(user.known || size('a && b') > 1)"]
    >>> split_condition("product.price < 9 && user.known || page.type == 'cart'")
    ["product.price < 9 && user.known || page.type == 'cart'"]
    """
    if _is_hard_to_read(source):
        return [source]
    parts, start, depth, quote = [], 0, 0, ""
    for place, letter in enumerate(source):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in _QUOTES:
            quote = letter
        elif letter in _OPENING:
            depth += 1
        elif letter in _CLOSING:
            depth -= 1
        elif depth == 0 and (letter == "?" or source.startswith("||", place)):
            return [source]
        elif depth == 0 and source.startswith("&&", place):
            parts.append(source[start:place].strip())
            start = place + 2
    return [*parts, source[start:].strip()]


def flattened(source: str) -> str:
    """Return a condition that asks variables of their own for what ``user`` holds by name.

    >>> flattened("user.traits.tier == 'user.traits' && user.known")
    "user_traits.tier == 'user.traits' && user.known"
    """
    if _is_hard_to_read(source):
        return source
    return _NESTED.sub(lambda found: found[1] or f"user_{found[2]}", source)


def in_single_values(source: str) -> str:
    """Return a condition that asks a variable of its own for each field of a customer's variables.

    >>> in_single_values("user.n_views > 1 && cart.value > 9 || 'user.n_views' == context.city")
    "user_n_views > 1 && cart_value > 9 || 'user.n_views' == context.city"
    """
    if _is_hard_to_read(source):
        return source
    return _SINGLE.sub(lambda found: "_".join(filter(None, found.groups())), source)


def bound_names(source: str) -> frozenset[str]:
    """Return the names that macros of a condition give to what they look at.

    >>> sorted(bound_names("cart.products.exists(x, x == '[].map(y, y)')"))
    ['x']
    """
    return frozenset(_BOUND.findall(_TEXT.sub("''", source)))


def named_fields(source: str, variable: str) -> tuple[frozenset[str], bool]:
    """Return the fields that are named of a variable, and whether it is used in no other way.

    >>> named_fields("has(user.known) && user.n_views > 1", "user") == ({"known", "n_views"}, True)
    True
    >>> named_fields("context.exists(name, name == context.city)", "context")
    (frozenset({'city'}), False)
    """
    bare = _TEXT.sub("''", source)
    used = re.findall(rf"(?<![\w.]){variable}\b", bare)
    named = re.findall(rf"(?<![\w.]){variable}\s*\.\s*(\w+)\b(?!\s*\()", bare)
    return frozenset(named), len(named) == len(used)


def _is_hard_to_read(source: str) -> bool:
    # What is looked for may stand in texts; a backslash hides where those end.
    return "\\" in source or _HARD_TO_READ.search(_TEXT.sub("''", source)) is not None
