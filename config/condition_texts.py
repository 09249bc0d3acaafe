"""Reads the text of a condition, where CEL tells no more than the names of variables and functions.

Rare ways to write a text or a comment are not worth telling apart: such a condition stays whole.
"""

import re

from config.condition_words import SINGLE

_TEXT = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_FIELD = re.compile(rf"({_TEXT.pattern})|(?<![\w.])({'|'.join(SINGLE)})\s*\.\s*(\w+)\b")
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
    """Return a condition that asks a variable of its own for each field of ours.

    >>> flattened("user.traits.tier == 'user.traits' && cart.value > 9.5")
    "user_traits.tier == 'user.traits' && cart_value > 9.5"
    """
    if _is_hard_to_read(source):
        return source
    return _FIELD.sub(lambda found: found[1] or f"{found[2]}_{found[3]}", source)


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
