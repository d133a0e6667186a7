"""Patterns mean what they mean to Prometheus, or are refused."""

import pytest

from sloctl.sidecar.sources.counting.re2_patterns import UnsupportedPattern, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("5..", "503", True),
        ("5..", "5\n3", True),
        ("a$", "a\n", False),
        ("a$.", "a\n", False),
        (r"\d+", "٣", False),
        (r"\w+", "é", False),
        (r"\s", "\v", False),
        (r"[\s]", "\t", True),
        (r"\S", "\v", True),
        (r"a\z", "a", True),
        (r"\.well-known/.+", ".well-known/x", True),
        ("[^a[]b", "cb", True),
        ("[]a]", "]", True),
        ("(?i)get|post", "PoSt", True),
        ("(?i:get)x", "GETx", True),
        ("(?:a|b){2}", "ab", True),
        ("(?P<verb>get)", "get", True),
        ("(/[a-z])+x?", "/a/b", True),
        ("(a|b)?c*", "ac", True),
        ("a{,3}", "a{,3}", True),
        ("a{,3}", "aa", False),
        ("/v[0-9]+/.*", "/v1/", True),
        ("", "", True),
    ],
)
def test_a_pattern_matches_as_in_prometheus(pattern: str, text: str, *, matches: bool) -> None:
    assert (compile_pattern(pattern).fullmatch(text) is not None) is matches


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "(?=a)",
            "(?!a)",
            "(?<=a)b",
            "(?<!a)b",
            "(?>a)",
            "(?#a)",
            "(?x)a",
            "(?m)a$",
            "(?U)a",
            "(?P=a)",
            "(?",
        ),
        *(r"\Z", r"\h", r"\pL", r"(a)\1", r"\Qa\E", r"\x{41}", r"\u0041", r"[\S]", r"[\b]", r"\B", "\\"),
        *("a*+", "a++", "a?+", "a{2}+", "a**", "a{1,2}{3}", "a{1001}", "*a", "+"),
        *("(", "a)", "[", "[a", "[]", "[^]", "[[:alpha:]]", "[a&&b]", "[b-a]", "(?i)é", "a(?i)b", "(?<n>a)"),
        *("(a+)+", "(a*)*", "(a|b*){2,}", "((a+)b)*", "(.*,){9}"),
        *("(a|aa)+", "(a?b?)*", "(?:a|b){20}", "((a|b)c)*", "(a{1,2})+"),
    ],
)
def test_what_means_something_else_or_nothing_there_is_refused(pattern: str) -> None:
    with pytest.raises(UnsupportedPattern):
        compile_pattern(pattern)
