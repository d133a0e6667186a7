"""How numbers are printed wherever Prometheus will read them again."""

from fractions import Fraction


def format_number(number: Fraction | int | float) -> str:
    """The shortest decimal that reads back as the double nearest to *number*: `0.0072`, `14.4`, `3`."""
    return repr(float(number)).removesuffix(".0")
