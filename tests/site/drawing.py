"""SVG as text: the few shapes that the pictures of the documents are made of, light behind in every theme."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final, Literal, TypeAlias

# Okabe and Ito's, which people with any colour vision tell apart.
BLUE: Final = "#0072b2"
VERMILLION: Final = "#d55e00"
GREY: Final = "#767676"
INK: Final = "#222"
Anchor: TypeAlias = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing of *width* times *height* pixels, with what a reader hears who cannot see it."""

    width: int
    height: int
    title: str
    shapes: list[str] = field(default_factory=list)

    def add_text(
        self, x: float, y: float, words: str, *, anchor: Anchor = "start", fill: str = "#222"
    ) -> None:
        self.shapes.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(words)}</text>'
        )

    def add_box(self, box: tuple[float, float, float, float], fill: str, *, opacity: float = 1) -> None:
        """Add a filled box: x, y, width, height."""
        x, y, width, height = box
        self.shapes.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" '
            f'opacity="{opacity:g}"/>'
        )

    def add_line(self, points: Iterable[tuple[float, float]], stroke: str, *, dash: str = "none") -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.shapes.append(
            f'<polyline points="{path}" fill="none" stroke="{stroke}" stroke-width="1.5" '
            f'stroke-dasharray="{dash}"/>'
        )

    def render(self) -> str:
        return svg_document(
            (self.width, self.height),
            self.title,
            style="text { font: 12px sans-serif; }",
            shapes=[f'<rect width="{self.width}" height="{self.height}" fill="#fff"/>', *self.shapes],
        )


def svg_document(size: tuple[int, int], title: str, *, style: str, shapes: Sequence[str]) -> str:
    """The whole file."""
    width, height = size
    body = "\n".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(title)}">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n{body}\n</svg>\n"
    )
