"""Findings as Markdown."""

from collections.abc import Sequence

from bench.findings import Figure, Findings, Table

_MET = {True: "yes", False: "**no**", None: "?"}


def render(
    title: str, command: str, machine: list[tuple[str, str]], findings: list[Findings], notes: list[str]
) -> str:
    figures = [figure for found in findings for figure in found.figures]
    lines = [f"# {title}", "", f"Made by `{command}`.", ""]
    lines += [f"- {what}: {value}" for what, value in machine]
    lines += ["", "## Figures to reach", ""]
    lines += _grid(("figure", "target", "measured", "met"), [_row(figure) for figure in figures])
    lines += ["", *(f"- {_flat(note)}" for note in notes)]
    for found in findings:
        for table in found.tables:
            lines += ["", *_section(table)]
        for name, reason in found.failed.items():
            lines += ["", f"{name} is missing here: {_flat(reason)}"]
    return "\n".join(lines).rstrip() + "\n"


def _row(figure: Figure) -> tuple[str, ...]:
    return figure.name, figure.target, _flat(figure.measured), _MET[figure.met]


def _flat(text: str) -> str:
    """One line that fits in a cell."""
    return " ".join(text.replace("|", "/").split())[:240]


def _section(table: Table) -> list[str]:
    lines = [f"## {table.title}", "", *_grid(table.columns, table.rows)]
    return [*lines, "", table.note] if table.note else lines


def _grid(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[at]) for row in (columns, *rows)) for at in range(len(columns))]

    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return [line(columns), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)]
