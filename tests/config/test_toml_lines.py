import tomllib

import pytest

from config.toml_lines import Path, line_of, lines_of

TEXT = '''# a comment
title = "[no.header]"

[campaigns.a]
when = """
x = 1
[campaigns.b]
"""
placements = [
  "one",  # with a comment
  "two",
]
nested.deep.key = 3

[ campaigns . "b c" ]
caps = [{ times = 1, days = 2 }]

[[campaigns.d.list]]
x = 1
[[campaigns.d.list]]
x = 2
[campaigns.d.list.more]
y = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("campaigns",), 4),
        (("campaigns", "a"), 4),
        (("campaigns", "a", "when"), 5),
        (("campaigns", "a", "placements", 1), 9),
        (("campaigns", "a", "nested", "deep", "key"), 13),
        (("campaigns", "b c", "caps", 0, "days"), 16),
        (("campaigns", "d", "list", 1, "x"), 21),
        (("campaigns", "d", "list", 1, "more", "y"), 23),
        (("campaigns", "a", "nothing"), 4),
        (("nothing",), 1),
    ],
)
def test_a_path_is_found_in_its_line(path: Path, line: int) -> None:
    tomllib.loads(TEXT)
    assert line_of(lines_of(TEXT), path) == line
