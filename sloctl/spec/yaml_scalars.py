"""What a plain YAML scalar means: the core schema of YAML 1.2.2, section 10.3.2, and nothing of YAML 1.1.

So `on`, `no`, `1:30`, `1_000` and dates are text, `017` is seventeen, `0o17` is fifteen.
"""

import re
from typing import Final, TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

_WORDS: Final[dict[str, bool | None]] = (
    dict.fromkeys(("", "~", "null", "Null", "NULL"))
    | dict.fromkeys(("true", "True", "TRUE"), True)
    | dict.fromkeys(("false", "False", "FALSE"), False)
)
_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_FIRST_OF_A_NUMBER: Final = frozenset("-+.0123456789")
_BASES: Final = {"0o": 8, "0x": 16}
# No field takes more; and Python refuses to read thousands of digits.
_MAX_DIGITS: Final = 18


def parse_plain_scalar(text: str) -> Scalar:
    """The value of an unquoted scalar; an integer of more than 18 digits becomes a float."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST_OF_A_NUMBER:
        return text
    if len(text) <= _MAX_DIGITS and _INTEGER.fullmatch(text):
        base = _BASES.get(text[:2], 10)
        return int(text if base == 10 else text[2:], base)
    if _FLOAT.fullmatch(text):
        # Python spells infinity and not-a-number without the dot.
        return float(text if text[-1].isdigit() or text[-1] == "." else text.replace(".", ""))
    return text
