"""Patterns mean what they mean to Prometheus, or are refused, and no text takes long."""

from time import process_time

import pytest

from sloctl.sidecar.sources.counting.re2_patterns import UnsupportedPattern, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("5..", "503", True),
        ("5..", "5\n3", True),
        ("(?-s)5..", "5\n3", False),
        ("a$", "a\n", False),
        ("a$.", "a\n", False),
        ("(?m)a$.b", "a\nb", True),
        ("a|ab", "ab", True),
        (r"\d+", "٣", False),
        (r"\w+", "é", False),
        (".", "é", True),
        (r"\s", "\v", False),
        (r"[\s]", "\t", True),
        (r"[\S]", "\v", True),
        (r"\S", "\v", True),
        (r"a\z", "a", True),
        (r"\.well-known/.+", ".well-known/x", True),
        (r"\pL+", "größe", True),
        (r"\p{Greek}", "β", True),
        (r"\p{Greek}", "b", False),
        (r"\P{Lu}", "A", False),
        (r"\Q5.\E.", "5.x", True),
        (r"\Q5.\E.", "503", False),
        (r"\QC\C\E", r"C\C", True),
        (r"\\C", r"\C", True),
        (r"\x{41}", "A", True),
        ("[[:alpha:]]", "b", True),
        ("[a&&b]", "&", True),
        ("[^a[]b", "cb", True),
        ("[]a]", "]", True),
        ("(?i)get|post", "PoSt", True),
        ("(?i)é", "É", True),
        ("a(?i)b", "aB", True),
        ("(?i:get)x", "GETx", True),
        ("(?:a|b){2}", "ab", True),
        ("(?P<verb>get)", "get", True),
        ("(?U)a+", "aaa", True),
        ("(/[a-z])+x?", "/a/b", True),
        ("(a|b)?c*", "ac", True),
        ("(a+)+", "aaa", True),
        ("(.*,){9}", "1,2,3,4,5,6,7,8,9,", True),
        ("a{,3}", "a{,3}", True),
        ("a{,3}", "aa", False),
        ("/v[0-9]+/.*", "/v1/", True),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_a_pattern_matches_as_in_prometheus(pattern: str, text: str, *, matches: bool) -> None:
    assert compile_pattern(pattern).matches_whole(text) is matches


@pytest.mark.parametrize(
    "pattern",
    [
        *("(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", "(?>a)", "(?#a)", "(?x)a", "(?P=a)", "(?"),
        *(r"\Z", r"\h", r"(a)\1", r"\u0041", r"[\b]", r"\C", r"a\\\C", "\\"),
        *("a*+", "a++", "a?+", "a{2}+", "a**", "a{1,2}{3}", "a{1001}", "(a{100}){100}", "*a", "+"),
        *("(", "a)", "[", "[a", "[]", "[^]", "[b-a]", r"\p{Nothing}"),
    ],
)
def test_what_means_nothing_in_prometheus_is_refused(pattern: str) -> None:
    with pytest.raises(UnsupportedPattern):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (".*/api/.*/v1/.*/pay.*", "/api/v1" * 100_000),
        ("(a+)+", "a" * 700_000 + "b"),
        ("(a|aa)*", "a" * 700_000 + "b"),
        ("(.*,){9}", "," * 700_000),
        ("(.*a){20}", "a" * 700_000),
    ],
)
def test_no_label_makes_a_pattern_slow(pattern: str, text: str) -> None:
    began = process_time()

    compile_pattern(pattern).matches_whole(text)

    assert process_time() - began < 1.0
