"""A net's layers as a table in HTML, made of our own words and numbers alone."""

from __future__ import annotations

import html

from mnist_demo.nets import find_net
from mnist_demo.nets.custom import CustomNet
from mnist_demo.summary import HEADERS, Summary, rows_of, summarise


def shapes_of(line: str) -> str:
    """A net's layers as a table in HTML."""
    return _table(summarise(find_net(line)), is_open=line.startswith(f"{CustomNet.KIND}:"))


def _table(summary: Summary, is_open: bool) -> str:
    def row(cells: tuple[str, ...], tag: str = "td") -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(row(cells) for cells in rows_of(summary))
    return (
        f"<p><b>{summary.parameters:,}</b> parameters · "
        f"<b>{summary.multiply_adds:,}</b> multiply-adds an image</p>"
        f"<details{' open' if is_open else ''}><summary>Layer by layer</summary>"
        f"<div><table><thead>{row(HEADERS, 'th')}</thead><tbody>{body}</tbody></table></div>"
        "</details>"
    )
