"""The table as text, as Markdown, and as a picture."""

import html
import statistics

from .servers import Qcow2, Varve

COLUMNS = ("varve", "qcow2", "nbdkit-file", "nbdkit-null")
LABEL_WIDTH = 430
BAR_WIDTH = 320
ROW_HEIGHT = 26


def figure(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def bound(row, value):
    return "-" if value is None else f"{'≤' if row.less_is_better else '≥'} {value:g}"


def reached(row):
    return {None: "-", True: "yes", False: "NO"}[row.meets(row.floor)]


def processor(row):
    """Microseconds of CPU per operation, Varve's and qemu-nbd's."""
    return " / ".join(
        f"{statistics.median(row.cpu[name]) * 1e6:.1f}" if row.cpu.get(name) else "-" for name in (Varve.name, Qcow2.name))


def others(row):
    """What the row's other columns cannot hold: figures that are not one server's."""
    return "; ".join(
        f"{name} {figure(statistics.median(runs))}" for name, runs in row.runs.items() if name not in COLUMNS)


def cells(row):
    low, high = row.spread
    own = [figure(statistics.median(row.runs[name])) if row.runs.get(name) else "-" for name in COLUMNS]
    return [
        row.name, row.unit, *own, row.against, f"{row.ratio:.2f}", f"{low:.2f}–{high:.2f}", bound(row, row.floor),
        bound(row, row.goal), reached(row), processor(row)]


HEADS = [
    "workload", "unit", *COLUMNS, "against", "ratio", "of rounds", "floor", "goal", "reached", "CPU µs varve/qcow2"]


def text(outcomes):
    lines = [HEADS, *(cells(row) for row in outcomes)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    left = {0, 1, HEADS.index("against")}
    table = "\n".join(
        "  ".join(cell.ljust(width) if at in left else cell.rjust(width) for at, (cell, width) in enumerate(zip(line, widths))).rstrip()
        for line in lines)
    return "\n".join([table, *(f"{row.name}: {others(row)}" for row in outcomes if others(row))])


def markdown(outcomes):
    lines = ["| " + " | ".join(HEADS) + " |", "|" + "---|" * len(HEADS)]
    lines += ["| " + " | ".join(cells(row)) + " |" for row in outcomes]
    lines += ["", *(f"- {row.name}: {others(row)}" for row in outcomes if others(row))]
    return "\n".join(lines) + "\n"


def svg(outcomes, subtitle):
    """One bar a row: how many times the floor Varve came to, on a scale on which twice and half are as far from it."""
    rows = [row for row in outcomes if row.floor]
    height = 74 + ROW_HEIGHT * len(rows)
    left = LABEL_WIDTH + 10
    middle = left + BAR_WIDTH // 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + BAR_WIDTH + 180}" height="{height}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        '<text x="12" y="22" font-size="15" font-weight="bold">Varve beside other NBD servers: ratio to the floor</text>',
        f'<text x="12" y="40" fill="#555">{html.escape(subtitle)}</text>']
    for at, row in enumerate(rows):
        y = 56 + ROW_HEIGHT * at
        times = row.floor / row.ratio if row.less_is_better else row.ratio / row.floor
        length = bar(times)
        colour = "#3b7d4f" if times >= 1 else "#b5493b"
        x = middle if times >= 1 else middle - length
        parts += [
            f'<text x="{LABEL_WIDTH}" y="{y + 15}" text-anchor="end">{html.escape(row.name)}</text>',
            f'<rect x="{x:.1f}" y="{y + 3}" width="{length:.1f}" height="{ROW_HEIGHT - 8}" fill="{colour}"/>',
            f'<text x="{left + BAR_WIDTH + 12}" y="{y + 15}">{row.ratio:.2f} (floor {bound(row, row.floor)})</text>']
    parts += [
        f'<line x1="{middle}" y1="50" x2="{middle}" y2="{height - 14}" stroke="#222"/>',
        f'<text x="{middle}" y="{height - 2}" text-anchor="middle" font-size="11">the floor</text>', "</svg>"]
    return "\n".join(parts) + "\n"


def bar(times):
    """Pixels from the middle: four times, or a quarter, is all there is room for."""
    factor = max(times, 1 / times)
    doublings = 0.0
    while factor >= 2 and doublings < 2:
        factor /= 2
        doublings += 1
    return (BAR_WIDTH / 4) * min(doublings + (factor - 1), 2)
