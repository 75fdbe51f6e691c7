"""The only place from which the `ledger` command prints.

Everything it is given may come from an enemy: a reporter's text, an actor's name in a log, an error
of a foreign server. So nothing in it is read as markup, each character that a terminal would
obey or not draw is shown by its code, and a row or message stays on one line. Where the output is
no terminal, tables are plain lines of full width, so that `grep` finds what is there. A terminal
that lacks a character shows its code instead; a reader that has gone away (`| head`) is no error.

Messages are made of parts, so that style never travels inside text:
`say("The log has sealed ", bold(size), " events.")`.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TextIO

from rich.cells import cell_len
from rich.markdown import Markdown
from rich.table import Column, Table
from rich.text import Text

from deploy.ledger.terminal import console, is_terminal, unread_is_no_error, write
from shared.contract.characters import shows


class Styled(NamedTuple):
    """A part of a message that a terminal shows in this style of rich's."""

    value: object
    style: str


Part = object
"""Anything: shown as `str` gives it, made visible. A `Styled` one in its style."""

Cell = object
"""As a part; None is an empty cell."""


def bold(value: object) -> Styled:
    """What a line is about."""
    return Styled(value, "bold")


def good(value: object) -> Styled:
    """As it should be."""
    return Styled(value, "green")


def doubtful(value: object) -> Styled:
    """Neither right nor wrong; somebody should look."""
    return Styled(value, "yellow")


def bad(value: object) -> Styled:
    """Not as it should be."""
    return Styled(value, "red")


def visible(text: str) -> str:
    """The text on one line, with a code such as `\\u202e` for each character that is not drawn, or
    that makes a terminal do something: control, format, direction, line ends, odd blanks, lone
    surrogates."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(sign if _is_drawn(sign) else _code(sign) for sign in text)


def say(*parts: Part) -> None:
    """One line of what was asked for, on standard output."""
    _line(sys.stdout, parts)


def note(*parts: Part) -> None:
    """One line beside what was asked for, on standard error."""
    _line(sys.stderr, parts)


def complain(why: object) -> None:
    """Why the command could not do it: one line on standard error."""
    _line(sys.stderr, [bad(why)])


def show_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    title: Part = None,
    lines: bool = False,
) -> None:
    """Rows below their headings, on standard output. A terminal folds cells that are too long for
    it and never cuts one; elsewhere each row is one line of full width. `lines` draws a terminal's
    table with a frame."""
    cells = [[text_of(cell) for cell in row] for row in rows]
    if title is not None:
        say(bold(title))
    if not is_terminal(sys.stdout):
        write(sys.stdout, _plain(columns, cells))
        return
    table = Table(*(Column(text_of(name), overflow="fold") for name in columns))
    if not lines:
        table.box, table.pad_edge = None, False
    for row in cells:
        table.add_row(*row)
    console(sys.stdout).print(table)


def show_json(value: Any, *, indent: int | None = 2) -> None:
    """A document for programs, on standard output. What is not drawn is escaped the way JSON does
    it, which changes no value."""
    text = json.dumps(value, indent=indent, ensure_ascii=not _is_utf8(sys.stdout))
    write(sys.stdout, _with_codes(text, _json_code) + "\n")


def show_json_line(document: bytes) -> None:
    """A JSON document that somebody else wrote on one line, such as an envelope: its exact bytes
    where a program reads them, and with JSON's own escapes on a terminal."""
    show_exactly(document + b"\n", _json_code)


def show_exactly(document: bytes, code: Callable[[str], str] | None = None) -> None:
    """The bytes of a document on standard output; on a terminal, or in an encoding that may not
    hold them, its text with codes (by `code`) for what is not drawn."""
    stream = sys.stdout
    if stream is None:
        return
    if not is_terminal(stream) and _is_utf8(stream) and hasattr(stream, "buffer"):
        with unread_is_no_error(stream):
            stream.flush()
            stream.buffer.write(document)
            stream.flush()
        return
    text = document.decode("utf-8", "replace")
    if code is not None and not _is_utf8(stream):
        text = "".join(sign if sign.isascii() else code(sign) for sign in text)
    write(stream, _with_codes(text, code or _code))


def show_markdown(document: bytes) -> None:
    """A text in Markdown: set for reading on a terminal, its exact bytes elsewhere."""
    if not is_terminal(sys.stdout):
        show_exactly(document)
        return
    lines = document.decode("utf-8", "replace").split("\n")
    shown = Markdown("\n".join(map(visible, lines)), hyperlinks=False)
    console(sys.stdout).print(shown)


def _with_codes(text: str, code: Callable[[str], str]) -> str:
    """Lines stay lines."""
    return "".join(sign if sign == "\n" or _is_drawn(sign) else code(sign) for sign in text)


def _is_utf8(stream: TextIO | None) -> bool:
    name = (stream and stream.encoding) or "utf-8"
    return name.lower().replace("_", "-") in {"utf-8", "utf8"}


def _is_drawn(sign: str) -> bool:
    return sign == " " or (sign.isprintable() and shows(sign))


def _code(sign: str) -> str:
    """As Python and JSON write it, for a person to read."""
    match sign:
        case "\n":
            return "\\n"
        case "\t":
            return "\\t"
        case "\r":
            return "\\r"
    number = ord(sign)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _json_code(sign: str) -> str:
    return json.dumps(sign)[1:-1]


def text_of(part: Part) -> Text:
    if part is None:
        return Text()
    if isinstance(part, Styled):
        return Text(visible(str(part.value)), part.style)
    return Text(visible(str(part)))


def _line(stream: TextIO | None, parts: Iterable[Part]) -> None:
    line = Text.assemble(*map(text_of, parts))
    if is_terminal(stream):
        console(stream).print(line, soft_wrap=True)
    else:
        write(stream, f"{line.plain}\n")


def _plain(columns: Sequence[str], rows: Sequence[Sequence[Text]]) -> str:
    lines = [[visible(name) for name in columns], *([cell.plain for cell in row] for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(
            cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        + "\n"
        for line in lines
    )
