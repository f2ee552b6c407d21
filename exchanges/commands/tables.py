"""Tables of text: aligned columns or Markdown."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def aligned(
    heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Collection[str] = (), gap: str = "  "
) -> str:
    """Format rows as aligned columns under *heads*.

    Args:
        heads: Names of the columns.
        rows: Rows with as many cells each as there are heads.
        numbers: Names of the columns that are aligned to the right.
        gap: Separator of two columns.
    """
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    lines = [
        gap.join(
            cell.rjust(width) if head in numbers else cell.ljust(width)
            for head, cell, width in zip(heads, row, widths, strict=True)
        ).rstrip()
        for row in (heads, *rows)
    ]
    return "\n".join(lines)


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format rows as a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
