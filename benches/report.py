#!/usr/bin/env python3
"""The tables of .ci/bench.

    report.py FIGURES   prints the tables in Markdown

A line of FIGURES is one measurement: the table, the case, a number (of callers, or of what there are more and more of), the
server, calls a second, median and 99th percentile in us, CPU of the server for each call in us, its memory in MiB. What is
measured several times is shown with its medians.
"""

import sys
from collections import defaultdict
from pathlib import Path
from statistics import median_low
from typing import NamedTuple

TONIC = "stock tonic, static echo"
PEER = "Go, `oci.GenerateSpec`"


class Row(NamedTuple):
    rate: float
    median: float
    p99: float
    cpu: float
    memory: float

    def times(self) -> list[str]:
        return [f"{self.median:.0f} us", f"{self.p99:.0f} us", f"{self.cpu:.0f} us"]


# The rows of a table, by case, number and server.
Table = dict[tuple[str, int, str], Row]


def read(path: Path) -> dict[str, Table]:
    measured = defaultdict(list)
    for line in path.read_text().splitlines():
        table, case, number, server, *figures = line.split("\t")
        measured[table, case, int(number), server].append([float(figure) for figure in figures])
    tables: dict[str, Table] = defaultdict(dict)
    for (table, *key), turns in measured.items():
        tables[table][tuple(key)] = Row(*map(median_low, zip(*turns)))
    return tables


def show(head: str, rows: list[list[str]]) -> None:
    print(head, "|---" * (head.count("|") - 1) + "|", sep="\n")
    for row in rows:
        print("|", " | ".join(row), "|")
    print()


def warm_table(table: Table) -> None:
    rows = []
    for (transport, callers, server), row in table.items():
        tonic, peer = (row.rate / table[transport, callers, other].rate for other in (TONIC, PEER))
        rows.append([transport, str(callers), server, f"{row.rate:.0f}", f"{tonic:.2f}", f"{peer:.1f}", *row.times()])
    show("| transport | callers | server | calls/s | of stock tonic | times the Go peer | median | p99 | CPU a call |", rows)


def many_table(table: Table) -> None:
    rows = []
    for (case, callers, server), row in sorted(table.items()):
        peer = row.rate / table[case, callers, PEER].rate
        rows.append([case, str(callers), server, f"{row.rate:.0f}", f"{peer:.1f}", *row.times()])
    show("| calls | callers | server | calls/s | times the Go peer | median | p99 | CPU a call |", rows)


def scale_table(table: Table) -> None:
    rows = []
    above: dict[str, Row] = {}
    for (what, number, _), row in sorted(table.items()):
        last = above.get(what)
        rates, costs = (f"{row.rate / last.rate:.2f}", f"{row.cpu / last.cpu:.2f}") if last else ("", "")
        rows.append([what, f"{number:,}", f"{row.rate:.0f}", rates, f"{row.cpu:.1f} us", costs, f"{row.memory:.1f} MiB"])
        above[what] = row
    show("| of what | how many | calls/s | of the row above | CPU a call | of the row above | memory |", rows)


tables = read(Path(sys.argv[1]))
print("### Warm calls of one image\n")
warm_table(tables["warm"])
print("### Calls of 1,000 images\n")
many_table(tables["many"])
print("### Ten times as many\n")
scale_table(tables["scale"])
