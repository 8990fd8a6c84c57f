#!/usr/bin/env python3
"""Holds what the guide says of texts, flags, variables and exit codes against the sources.

    scripts/docs/texts.py [CURFEW]   with the command's program its --help is asked as well

docs/guide/troubleshooting.md has to hold every text of three words and more that the files below can print. What is no
error stands in scripts/docs/not_errors.txt, by its beginning. docs/guide/reference.md has to name every flag, variable and
exit code, and none that there is not.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = """
harness/server/*.cc harness/readiness/*.cc harness/process/*.cc harness/ports/*.cc harness/containment/*.cc
harness/leaks/*.cc harness/keeper/*.cc harness/cli/*.cc harness/servers/*.cc fixtures/*.cc
harness/report/text.cc harness/report/report_files.cc harness/report/read_journal.cc
""".split()
# Their texts are shell lines, configuration files, markup, and words to a debugger.
SPEAK_TO_PROGRAMS = {"databases.cc", "web.cc", "ctest_tags.cc", "stack_tracer.cc", "keeper_program.cc.in"}
LITERAL = r'"(?:[^"\\\n]|\\.)*"'
problems = []


def read(path):
    return (ROOT / path).read_text()


def plain(text):
    """What of a text can be compared: without marks of Markdown and C++, and with single spaces."""
    text = text.replace("\\n", " ").replace('\\"', '"').replace("\\\\", "\\")
    return re.sub(r"\s+", " ", re.sub(r"[`*]", "", text)).strip()


def literals(path):
    """The string literals of a source file, neighbours joined: (line number, text)."""
    code = re.sub(r"(?m)^(\s*//.*|#\s*include.*)$", "", read(path))
    code = re.sub(r'(?m)\s//[^"\n]*$', "", code)
    # What --help says is compared by name, below.
    code = re.sub(r"(?s)\b(?:add_(?:option|flag|subcommand)\w*(?:<[^>]*>)?|footer)\(.*?;\n",
                  lambda call: "\n" * call.group(0).count("\n"), code)
    code = re.sub(r'R"\((.*?)\)"', lambda raw: "\n" * raw.group(0).count("\n"), code, flags=re.S)
    for found in re.finditer(rf"{LITERAL}(?:\s*{LITERAL})*", code):
        yield code.count("\n", 0, found.start()) + 1, "".join(part[1:-1] for part in re.findall(LITERAL, found.group(0)))


def check_errors():
    page = plain(read("docs/guide/troubleshooting.md"))
    exempt = [plain(line) for line in read("scripts/docs/not_errors.txt").splitlines() if line and not line.startswith("#")]
    used = set()
    count = 0
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            if path.name in SPEAK_TO_PROGRAMS:
                continue
            shown = path.relative_to(ROOT).as_posix()
            for line, literal in literals(shown):
                spared = next((each for each in exempt if plain(literal).startswith(each)), None)
                if spared is not None:
                    used.add(spared)
                    continue
                for part in re.split(r"\\n|%[sd]", literal):
                    text = plain(part).strip(" ,.;:(){}'\"")
                    if len(re.findall(r"(?<!\S)[A-Za-z'-]+(?!\S)", re.sub(r"[,:;?]", "", text))) < 3:
                        continue
                    count += 1
                    if text not in page:
                        problems.append(f"{shown}:{line}: docs/guide/troubleshooting.md does not know this text: {text}")
    problems.extend(f"scripts/docs/not_errors.txt: no source has this text any more: {each}" for each in exempt if each not in used)
    return count


def compare(what, wanted, found):
    for each in sorted(wanted - found):
        problems.append(f"docs/guide/reference.md does not name the {what} {each}")
    for each in sorted(found - wanted):
        problems.append(f"docs/guide/reference.md names the {what} {each}, which there is not")


def section(page, title):
    return re.search(rf"^## {title}$(.*?)(?=^## |\Z)", page, re.S | re.M).group(1)


def options(text):
    return set(re.findall(r"`(--[a-z][a-z_-]*)", text))


def check_reference(program):
    page = read("docs/guide/reference.md")
    cli = "".join(path.read_text() for path in sorted((ROOT / "harness/cli").glob("*.cc")))
    compare("exit code", set(re.findall(r"kExit\w+ = (\d+);", read("harness/cli/options.h"))),
            set(re.findall(r"^\| (\d+) \|", section(page, "curfew run"), re.M)))
    commands = set(re.findall(r'add_subcommand\("(\w+)"', cli))
    compare("command", commands, set(re.findall(r"^## curfew (\w+)$", page, re.M)))
    defined = {flag for names in re.findall(r'add_(?:option|flag)(?:_function<[^>]*>)?\("(--[^"]+)"', cli)
               for flag in names.split(",")}
    documented = {name: options(section(page, f"curfew {name}")) for name in commands}
    compare("option", defined, set().union(*documented.values()))
    if program:
        reports = documented["report"]
        for name in sorted(commands):
            text = subprocess.run([program, name, "--help"], capture_output=True, text=True, check=True).stdout
            asked = set(re.findall(r"(?:^  |,)(--[a-z][a-z_-]*)", text, re.M)) - {"--help"}
            compare(f"option of curfew {name}:", asked,
                    documented[name] | (reports if name == "run" else set()))

    settings = re.findall(r'\{"(\w+)", "(CURFEW_\w+)", \w+\}', read("fixtures/settings.cc"))
    tests = section(page, "Test programs")
    compare("flag", {f"--curfew_{flag}" for flag, _ in settings} | {"--curfew_help"}, options(tests))
    variables = set()
    for folder in ("harness", "fixtures"):
        for path in (ROOT / folder).rglob("*.cc"):
            variables |= set(re.findall(r'"(CURFEW_[A-Z_]+)(?:"|=)', path.read_text()))
    variables |= set(re.findall(r'"(CURFEW_[A-Z_]+)"', "".join(read(f"harness/{file}") for file in ("process/mark.h", "process/mark.cc")
                                                              if (ROOT / "harness" / file).exists())))
    variables |= set(re.findall(r"ENV\{(CURFEW_\w+)\}", read("cmake/CurfewDiscoverTests.cmake")))
    variables -= {"CURFEW_EXTERNAL_"}
    compare("variable", variables | {"CURFEW_EXTERNAL_NAME", "CURFEW_EXTERNAL_REDIS"}, set(re.findall(r"`(CURFEW_[A-Z_]+)", tests)))
    cmake = read("cmake/CurfewDiscoverTests.cmake")
    said = re.search(r"# curfew_discover_tests\(target\n(.*?)\n#\n", cmake, re.S).group(1)
    said = re.sub(r"(?m)\]\s{2,}.*$", "]", said)
    compare("argument", set(re.findall(r"\b[A-Z][A-Z_]{3,}\b", said)),
            set(re.findall(r"\b[A-Z][A-Z_]{3,}\b", "".join(re.findall(r"^\| (`.*?) \|", section(page, "curfew_discover_tests"), re.M)))))
    built = "".join(read(path) for path in ("CMakeLists.txt", "cmake/CurfewDependencies.cmake", "harness/grpc/CMakeLists.txt"))
    compare("CMake option", set(re.findall(r"option\((CURFEW_\w+)|set\((CURFEW_\w+) [^\n]*CACHE STRING", built)) and
            {a or b for a, b in re.findall(r"option\((CURFEW_\w+)|set\((CURFEW_\w+) [^\n]*CACHE STRING", built)},
            set(re.findall(r"^\| `(CURFEW_\w+)`", section(page, "CMake options"), re.M)))
    return len(defined) + len(settings) + len(variables)


def check_tests():
    """Every test that the architecture and the README name is there; and each known hole has one, or says why not."""
    tests = set()
    for path in (ROOT / "tests").rglob("*.cc"):
        tests |= {f"{suite}.{name}" for suite, name in re.findall(r"\bTEST(?:_[FP])?\((\w+),\s*(\w+)\)", path.read_text())}
    columns = set(re.findall(r'\{(?:\.name = )?"(\w+)"', read("tests/escape/table.cc")))
    page = read("docs/architecture.md") + read("README.md")
    named = set(re.findall(r"`([A-Z]\w*\.[A-Z*][\w*]*)(?:\.\.\.)?`", page))
    for each in sorted(named):
        pattern = re.compile(re.escape(each).replace(r"\*", r"\w*") + r"\w*")
        if not any(pattern.fullmatch(test) for test in tests):
            problems.append(f"docs/architecture.md or README.md names a test that there is not: {each}")
    for words in re.findall(r"columns? ((?:`\w+`(?:, )?)+)", page):
        for each in re.findall(r"`(\w+)`", words):
            if each not in columns:
                problems.append(f"docs/architecture.md names a column of the matrix that there is not: {each}")
    holes = re.search(r"^Known holes:\n(.*?)^## ", page, re.S | re.M).group(1)
    for hole in re.split(r"^- ", holes, flags=re.M)[1:]:
        if not re.search(r"`\w+\.[A-Z*][\w*]*|columns? `|no test: ", hole):
            problems.append(f"docs/architecture.md: a known hole without its test: {hole.splitlines()[0]}")
    return len(named)


def main():
    named = check_tests()
    texts = check_errors()
    names = check_reference(sys.argv[1] if len(sys.argv) > 1 else None)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{texts} texts, {names} names and {named} tests compared with the documentation, {len(problems)} wrong")
    return 1 if problems or not texts or not names else 0


if __name__ == "__main__":
    sys.exit(main())
