#!/usr/bin/env python3
"""Holds the C++ that the documentation shows against the files that are compiled and run.

    scripts/docs/snippets.py            says what differs; exit code 1 if anything does
    scripts/docs/snippets.py --update   writes the snippets of the sources into the Markdown

In Markdown a comment names what the code block after it shows, whole file or a part between `[name]` and `[/name]`:

    <!-- tests/docs/cookbook_test.cc [per-test] -->

A C++ block without such a comment is an error. So is an example in a comment of a public header (lines that are indented
by two spaces more than the text) that is nowhere in tests/docs/header_examples_test.cc or another test of tests/docs,
spaces, line breaks and comments aside; a line "..." stands for anything.
"""
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARK = re.compile(r"^<!-- (\S+?)(?: \[([\w-]+)\])? -->$")
FENCE = re.compile(r"^```(\S*)(.*)$")
CXX = {"cpp", "c++", "cc", "cxx"}
problems = []


def snippet(path, name):
    text = (ROOT / path).read_text()
    if name is None:
        return text.rstrip("\n")
    part = re.search(rf"^[ \t]*(?://|#) \[{name}\]\n(.*?)^[ \t]*(?://|#) \[/{name}\]$", text, re.S | re.M)
    if part is None:
        raise KeyError(f"{path} has no part between [{name}] and [/{name}]")
    return textwrap.dedent(part.group(1)).strip("\n")


def check_markdown(path, update):
    lines = path.read_text().splitlines()
    out, i, mark, used = [], 0, None, []
    shown = path.relative_to(ROOT)
    while i < len(lines):
        fence = FENCE.match(lines[i])
        if fence is None:
            if lines[i]:
                mark = MARK.match(lines[i])
            out.append(lines[i])
            i += 1
            continue
        end = next((j for j in range(i + 1, len(lines)) if lines[j] == "```"), None)
        if end is None:
            problems.append(f"{shown}:{i + 1}: a code block without an end")
            break
        body = lines[i + 1:end]
        if mark:
            used.append((mark.group(1), mark.group(2)))
            try:
                wanted = snippet(*used[-1]).splitlines()
            except (OSError, KeyError) as error:
                problems.append(f"{shown}:{i}: {error}")
                wanted = body
            if wanted != body and not update:
                problems.append(f"{shown}:{i + 1}: differs from {mark.group(1)} [{mark.group(2)}]; "
                                "scripts/docs/snippets.py --update takes over what is there")
            body = wanted
        elif fence.group(1).lower() in CXX:
            problems.append(f"{shown}:{i + 1}: C++ that no compiled file holds; name one: <!-- tests/docs/... [part] -->")
        out += [lines[i], *body, "```"]
        mark = None
        i = end + 1
    if update and out != lines:
        path.write_text("\n".join(out) + "\n")
        print(f"updated {shown}")
    return used


def squeezed(code):
    """Without comments and spaces: what two ways to write the same have in common."""
    code = re.sub(r"(^|\s)//[^\n]*", "", code)
    return re.sub(r"\s+", "", code)


def examples(header):
    """The indented parts of comments that are code: (line number, text)."""
    found, block, begin = [], [], 0
    for number, line in enumerate(header.read_text().splitlines() + [""], 1):
        indented = re.match(r"^\s*//(?:   +(\S.*)|)$", line) if line.strip().startswith("//") else None
        if indented and (indented.group(1) or block):
            if not block:
                begin = number
            block.append(re.sub(r"^\s*//", "", line))
            continue
        if block:
            found.append((begin, textwrap.dedent("\n".join(block)).rstrip()))
        block = []
    # A table has columns, parted by two spaces and more; code has none outside of its comments.
    return [(at, text) for at, text in found if not re.search(r"\S  +\S", re.sub(r"  //.*", "", text.splitlines()[0]))]


def check_headers():
    compiled = "".join(squeezed(path.read_text()) for path in sorted((ROOT / "tests/docs").glob("*.cc")))
    count = 0
    for folder in ("harness", "fixtures"):
        for header in sorted((ROOT / folder / "include/curfew").glob("*.h")):
            for line, text in examples(header):
                count += 1
                for part in re.split(r"^\s*\.\.\.\s*$", text, flags=re.M):
                    if squeezed(part) not in compiled:
                        problems.append(f"{header.relative_to(ROOT)}:{line}: this example is in no file of tests/docs:\n"
                                        + textwrap.indent(part, "    "))
    return count


def main():
    update = "--update" in sys.argv[1:]
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    used = [each for page in pages for each in check_markdown(page, update)]
    count = check_headers()
    # A part that no page shows is no part of the documentation any more.
    for path in sorted((ROOT / "tests/docs").glob("*.cc")):
        shown = path.relative_to(ROOT).as_posix()
        for name in re.findall(r"^\s*// \[([\w-]+)\]$", path.read_text(), re.M):
            if (shown, name) not in used:
                problems.append(f"{shown}: no page shows [{name}]")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(used)} snippets of {len(pages)} pages and {count} examples of headers compared, {len(problems)} wrong")
    return 1 if problems or not used or not count else 0


if __name__ == "__main__":
    sys.exit(main())
