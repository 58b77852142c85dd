"""What `benchmark load` found, as text."""

from __future__ import annotations

from typing import Any

from mnist_demo.benchmark import machine_line


def format_report(result: dict[str, Any]) -> str:
    asked = result["asked"]
    load = result["machine_load"]
    lines = [
        machine_line(result["machine"]),
        f"load of the machine (1, 5, 15 min): {load[:3]} at the start, {load[3:]} at the end; "
        f"{asked['processes']} process(es)",
        "",
        f"{asked['drawing']} draw, {asked['browsing']} browse:",
        *_drawing(result["drawing"]),
    ]
    if "trainings" in result:
        lines += ["", *_trainings(result["trainings"], result["drawing"]["p95_ms"])]
    if "flood" in result:
        lines += ["", "the same while one more visitor floods:", *_drawing(result["flood"])]
        flooder = result["flood"]["flooder"]
        lines.append(
            f"  the flooder: {flooder['answers_per_s']} answers/s, "
            f"{sum(flooder['refused'].values())} refused, {_counts(flooder['errors'])}"
        )
    if "arrivals" in result:
        part, opening = result["arrivals"], result["arrivals"]["opening"]
        lines += [
            "",
            f"the same while {asked['arriving']} a second open the page for the first time:",
            *_drawing(part),
            f"  the page and {part['files'] - 1} files are there within p50 "
            f"{opening['p50_ms']} ms, p95 {opening['p95_ms']} ms ({opening['answers']} times); "
            f"{_counts(opening['errors'])}",
        ]
    if "sequence" in result:
        lines += ["", *_sequence(result["sequence"])]
    return "\n".join(lines)


def _drawing(part: dict[str, Any]) -> list[str]:
    return [
        f"  pen to answer: p50 {part['p50_ms']} ms, p95 {part['p95_ms']} ms, "
        f"p99 {part['p99_ms']} ms ({part['pen_moves']} pen moves in {part['seconds']} s)",
        f"  {part['answers_per_s']} answers/s, {part['mean_batch']} drawings a pass of the net; "
        f"refused {sum(part['refused'].values())}; {_counts(part['errors'])}",
        f"  cores taken: server {part['server_cores']}, this generator {part['our_cores']}; "
        f"gallery p95 {part['gallery']['p95_ms']} ms, {_counts(part['gallery']['errors'])}",
    ]


def _trainings(part: dict[str, Any], idle: float) -> list[str]:
    lines = [
        f"{len(part['runs'])} trainings in line: {part['done']} done, "
        f"{'each in its order' if part['in_order'] else 'NOT in their order'}; drawing meanwhile:",
        *_drawing(part),
        f"  p95 is {part['p95_ms'] / idle:.2f} times that without trainings",
    ]
    for run in part["runs"]:
        told = f'; was told "{run["told"][0]}"' if run["told"] else ""
        lines.append(
            f"  {run['number'] + 1:3}: asked {_second(run['asked'])}, began "
            f"{_second(run['began'])}, {run['refused'] or run['status']} "
            f"{_second(run['ended'])}{told}"
        )
    return lines


def _sequence(part: dict[str, Any]) -> list[str]:
    lines = [
        f"{part['visitors']} visitors one after another in {part['seconds']} s: "
        f"answer p95 {part['p95_ms']} ms, {_counts(part['errors'])}"
    ]
    for before, after in zip(part["before"], part["after"], strict=True):
        changes = [
            f"{name} {before[name]:g} to {after[name]:g}"
            for name in before
            if name not in ("memory_mib",)
        ]
        growth = after["memory_mib"] / before["memory_mib"] - 1
        lines.append(
            f"  memory {before['memory_mib']:.0f} to {after['memory_mib']:.0f} MiB "
            f"({growth:+.1%}); {', '.join(changes)}"
        )
    return lines


def _counts(errors: dict[str, int]) -> str:
    if not errors:
        return "no error"
    return "errors: " + ", ".join(f"{count} x {name[:60]!r}" for name, count in errors.items())


def _second(value: float | None) -> str:
    return "never" if value is None else f"at {value:.1f} s"
