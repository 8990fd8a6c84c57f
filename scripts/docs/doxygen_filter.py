#!/usr/bin/env python3
"""doxygen_filter.py HEADER: the header as Doxygen wants to read it, its comments being plain ones (INPUT_FILTER).

A comment stands above what it is about, or behind it on the same line. One above several declarations is about all of
them, as far as the next empty line or comment, and is repeated for each. What is indented in a comment is an
example or a table, and is shown as it is written.
"""
import re
import sys

COMMENT = re.compile(r"^(\s*)//(?!/)(.*)$")
BEHIND = re.compile(r"^(.*\S)(\s+)// ?(.*)$")


def is_code(block):
    return not re.search(r"\S  +\S", re.sub(r"  //.*", "", block[0]))


def documentation(indent, texts):
    """The lines of one comment, as a Doxygen comment."""
    out, block = [], []

    def close():
        while block and not block[-1]:
            block.pop()
        if not block:
            return
        depth = min(len(line) - len(line.lstrip()) for line in block if line)
        kind = ("@code{.cpp}", "@endcode") if is_code([line[depth:] for line in block]) else ("@code{.unparsed}", "@endcode")
        out.extend([kind[0], *(line[depth:] for line in block), kind[1], ""])
        block.clear()

    for text in texts:
        if text.startswith("   ") or (block and not text.strip()):
            block.append(text.rstrip())
            continue
        close()
        out.append(escaped(text.strip()))
    close()
    return [f"{indent}/// {line}".rstrip() for line in out]


def declarations(lines, indent):
    """Which of the lines after a comment begin a declaration it is about, one that has no comment of its own."""
    found = []
    for at, line in enumerate(lines):
        if not line.strip() or COMMENT.match(line) or len(line) - len(line.lstrip()) < len(indent):
            break
        begins = len(line) - len(line.lstrip()) == len(indent)
        if begins and not line.lstrip().startswith(("}", "template", "#", "public:", "private:", "protected:")):
            if found and BEHIND.match(line) and "NOLINT" not in line:
                break
            found.append(at)
    return found


def escaped(text):
    return re.sub(r"([@\\<>#])", r"\\\1", text)


def code_line(line, before):
    """A line of code, with the comment behind it where Doxygen looks for one."""
    if re.fullmatch(r"\s*(k[A-Z]\w*,? ?)+", line):
        return [with_values(line)]
    behind = BEHIND.match(line)
    if not behind or behind.group(1).lstrip().startswith(("//", "#", "}")):
        return [line]
    code, gap, text = behind.groups()
    indent = code[:len(code) - len(code.lstrip())]
    if text.startswith("NOLINT"):
        text = text.partition("): ")[2]
        if not text or before and before[-1].lstrip().startswith("///"):
            return [code]
    if re.match(r"\s*(struct|class|enum)\b", code):
        values = re.search(r"\bk\w+.*", code)
        return [f"{indent}/// {escaped(text)}", with_values(code) if values else code]
    if not code.endswith((";", "}", ",")) and not re.match(r"\s*k[A-Z]\w*$", code):  # a declaration that goes on
        return [f"{indent}/// {escaped(text)}", code]
    return [f"{code}{gap}///< {escaped(text)}"]


def with_values(code):
    """An enum whose values are named after functions, each with that name as its comment."""
    return re.sub(r"\bk([A-Z]\w*)", r"k\1 /**< \1 */", code)


def main():
    with open(sys.argv[1]) as file:
        lines = file.read().splitlines()
    out, i, repeated = [], 0, {}
    while i < len(lines):
        out += repeated.pop(i, [])
        comment = COMMENT.match(lines[i])
        if comment is None:
            out += code_line(lines[i], out)
            i += 1
            continue
        texts = []
        while i < len(lines) and (comment := COMMENT.match(lines[i])):
            indent = comment.group(1)
            texts.append(comment.group(2))
            i += 1
        if texts[0].startswith(" SPDX"):
            texts.pop(0)
        # The comment at the head of a file is about the file.
        if not any(line.strip() and not COMMENT.match(line) for line in lines[:i]):
            out.append("")
            if texts:
                out += ["/// @file", *documentation("", texts)]
            continue
        comment_lines = documentation(indent, texts)
        out += comment_lines
        for at in declarations(lines[i:], indent)[1:]:
            repeated[i + at] = comment_lines
    print("\n".join(out))


if __name__ == "__main__":
    main()
