"""A report as one HTML file that needs nothing else: its style, tables and charts are inside, no script is.

Made to be read by day and by night: colours follow the reader's system, and words say what colours repeat.
Everything of a spec's or a server's is escaped here (`escape_text`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Final

from msgspec import Struct

from sloctl.problems import escape_unprintable

_STYLE: Final = """
:root { color-scheme: light dark; --ground: #f4f5f7; --card: #fff; --ink: #14181d; --quiet: #535b66;
  --line: #d9dee4; --page: #b3151c; --ticket: #8a4a00; --fine: #146c39; --unknown: #555c66;
  --page-tint: #f3b9bb; --ticket-tint: #f4d9ae; --area: #c7d7ec; --edge: #2f6db5; --gap: #e3e6ea; }
@media (prefers-color-scheme: dark) { :root { --ground: #101317; --card: #191d22; --ink: #e9ecef;
  --quiet: #a3abb5; --line: #2e343b; --page: #ff8a84; --ticket: #f3b55c; --fine: #6fd296; --unknown: #b3b9c1;
  --page-tint: #96383d; --ticket-tint: #5f4817; --area: #24405f; --edge: #79b0f0; --gap: #2a3037; } }
* { box-sizing: border-box; }
body { background: var(--ground); color: var(--ink); max-width: 76rem; margin: 0 auto;
  padding: 1.25rem 1.25rem 3rem; font: 15px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 0 0 .25rem; }
h3 { font-size: .95rem; margin: 1.1rem 0 .35rem; } p { margin: .25rem 0 .6rem; }
.quiet, footer { color: var(--quiet); } .page { color: var(--page); font-weight: 650; }
.ticket { color: var(--ticket); font-weight: 650; } .fine { color: var(--fine); font-weight: 650; }
.unknown { color: var(--unknown); font-weight: 650; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: 1rem 1.1rem; margin: 1rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; min-width: 50%; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { color: var(--quiet); font-weight: 600; } td.right, th.right { text-align: right; }
.facts { display: flex; flex-wrap: wrap; gap: .4rem 2rem; margin: .6rem 0; }
.facts div { display: grid; } .facts b { font-size: 1.2rem; }
.facts span { color: var(--quiet); font-size: .85rem; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--quiet); font-size: 11px; font-family: inherit; }
.grid { stroke: var(--line); stroke-width: 1; } .zero { stroke: var(--page); stroke-dasharray: 4 3; }
.curve { fill: none; stroke: var(--edge); stroke-width: 1.6; stroke-linejoin: round; }
.curve.page { stroke: var(--page); } .curve.ticket { stroke: var(--ticket); }
.area { fill: var(--area); opacity: .55; }
.band-page { fill: var(--page-tint); } .band-ticket { fill: var(--ticket-tint); }
.band-gap { fill: var(--gap); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; font-size: .85rem; color: var(--quiet); }
.legend i { display: inline-block; width: .9em; height: .9em; margin-right: .35em; vertical-align: -.1em; }
"""
NO_LOOKS: Final[Mapping[str, str]] = {}
WIDTH: Final = 1100
HEIGHT: Final = 240
_LEFT: Final = 62
_RIGHT: Final = 24
_TOP: Final = 10
_BOTTOM: Final = 24
_PLOT_WIDTH: Final = WIDTH - _LEFT - _RIGHT
_PLOT_HEIGHT: Final = HEIGHT - _TOP - _BOTTOM


class ChartBand(Struct, frozen=True):
    """A stretch of the x axis to shade: *look* is page, ticket or gap; *title* is shown on hovering."""

    start: float
    end: float
    look: str
    title: str


class ChartAxis(Struct, frozen=True):
    """The range of an axis and its ticks: value and text."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def place_of(self, value: float, length: float) -> float:
        """Return where *value* lies on an axis of *length*, its low end at 0."""
        span = self.high - self.low
        return length * (value - self.low) / span if span else 0.0


def escape_text(text: str) -> str:
    """Escape text for HTML, control characters made visible."""
    return escape(escape_unprintable(text))


def render_web_page(title: str, parts: Iterable[str], *, note: str) -> str:
    """Put one page together; *parts* are HTML, *title* and *note* are text."""
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape_text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape_text(title)}</h1>\n{body}\n<footer><p>{escape_text(note)}</p></footer>\n</body>\n</html>\n"
    )


def render_html_table(
    rows: Sequence[Sequence[str]], *, right: Collection[int] = (), looks: Mapping[str, str] = NO_LOOKS
) -> str:
    """Render *rows* of text, the first of which are the headings.

    A cell whose first word is in *looks* gets the class that stands there; columns in *right* are set to the
    right.
    """

    def cell(tag: str, column: int, text: str) -> str:
        classes = ["right"] if column in right else []
        word = text.partition(" ")[0]
        if tag == "td" and word in looks:
            classes.append(looks[word])
        attribute = f' class="{" ".join(classes)}"' if classes else ""
        return f"<{tag}{attribute}>{escape_text(text)}</{tag}>"

    lines = [
        "<tr>"
        + "".join(cell("td" if number else "th", column, text) for column, text in enumerate(row))
        + "</tr>"
        for number, row in enumerate(rows)
    ]
    return '<div class="scroll"><table>\n' + "\n".join(lines) + "\n</table></div>"


def render_facts(facts: Iterable[tuple[str, str, str]]) -> str:
    """Render figures in a row: number, what it is, and its class or nothing."""
    cells = (
        f'<div><b class="{look}">{escape_text(number)}</b><span>{escape_text(label)}</span></div>'
        for number, label, look in facts
    )
    return f'<div class="facts">{"".join(cells)}</div>'


class LineChart:
    """A chart as SVG, drawn from the back to the front; what lies outside the axes is drawn at their edge."""

    def __init__(self, x: ChartAxis, y: ChartAxis) -> None:
        self._x = x
        self._y = y
        self._shapes: list[str] = []

    def draw_bands(self, bands: Iterable[ChartBand]) -> None:
        """Shade stretches of the x axis; what is shorter than a pixel is to be seen too."""
        for band in bands:
            start, end = self._across(band.start), self._across(band.end)
            width = max(end - start, 2.5)
            self._shapes.append(
                f'<rect class="band-{band.look}" x="{start:.1f}" y="{_TOP}" width="{width:.1f}" '
                f'height="{_PLOT_HEIGHT}"><title>{escape_text(band.title)}</title></rect>'
            )

    def draw_grid(self) -> None:
        """Draw a line for each tick of the y axis, and the texts of both."""
        ends = f'x1="{_LEFT}" x2="{WIDTH - _RIGHT}"'
        for value, text in self._y.ticks:
            top = self._up(value)
            look = "zero" if value == 0 and self._y.low < 0 else "grid"
            self._shapes.append(
                f'<line class="{look}" {ends} y1="{top:.1f}" y2="{top:.1f}"/>'
                f'<text x="{_LEFT - 8}" y="{top + 4:.1f}" text-anchor="end">{escape_text(text)}</text>'
            )
        for value, text in self._x.ticks:
            left = self._across(value)
            self._shapes.append(
                f'<text x="{left:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape_text(text)}</text>'
            )

    def draw_curve(self, points: Iterable[tuple[float, float | None]], look: str = "") -> None:
        """Draw a curve that breaks where a value is None; one without a *look* of its own is filled."""
        for is_known, run in groupby(points, key=lambda point: point[1] is not None):
            if not is_known:
                continue
            line = [(self._across(at), self._up(value)) for at, value in run if value is not None]
            path = " ".join(f"{left:.1f},{top:.1f}" for left, top in line)
            if not look:
                floor = _TOP + _PLOT_HEIGHT
                corners = f"{line[0][0]:.1f},{floor} {path} {line[-1][0]:.1f},{floor}"
                self._shapes.append(f'<polygon class="area" points="{corners}"/>')
            self._shapes.append(f'<polyline class="{f"curve {look}".strip()}" points="{path}"/>')

    def render_chart(self, label: str) -> str:
        """Return the SVG; *label* says what is seen."""
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape_text(label)}">'
            f"{''.join(self._shapes)}</svg>"
        )

    def _across(self, value: float) -> float:
        return _LEFT + min(max(self._x.place_of(value, _PLOT_WIDTH), 0.0), _PLOT_WIDTH)

    def _up(self, value: float) -> float:
        return _TOP + _PLOT_HEIGHT - min(max(self._y.place_of(value, _PLOT_HEIGHT), 0.0), _PLOT_HEIGHT)
