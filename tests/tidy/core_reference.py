#!/usr/bin/env python3
"""Checks that docs/reference/core describes every public header of libstore-core: a heading
`## <cinch/core/NAME.hh>` each, and below it every type, function and constant that the header
declares, in backticks in the first column of a table."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADERS = ROOT / "libstore-core/include/cinch/core"
PAGES = ROOT / "docs/reference/core"

# What begins a declaration at the left margin, where clang-format leaves those of a namespace.
DECLARATIONS = [
    re.compile(r"^(?:struct|class|enum class)\s+(?:CINCH_CORE_API\s+)?(\w+)[^;]*\{"),
    re.compile(r"^using\s+(\w+)\s*="),
    re.compile(r"^(?:inline\s+)?constexpr\s+[\w:<>,\s]*?\b(\w+)\s*(?:=|\{|\()"),
    re.compile(r"^(?:\[\[\w+\]\]\s+)?CINCH_CORE_API\s+[^;{(]*?\b(operator\S+|\w+)\("),
    re.compile(r"^inline\s+[^;{(=]*?\b(\w+)\("),
    re.compile(r"^[A-Za-z_][\w:<>,&*\s]*?\b(\w+)\([^;{]*\)\s*\{"),   # after a template's head
]


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)


def declared_names(text):
    """The names that a header adds to the namespace, in their order."""
    inside = re.search(r"^namespace cinch \{\n(.*?)^\}  // namespace cinch$", text,
                       re.DOTALL | re.MULTILINE)
    code = without_comments(inside.group(1)) if inside else ""
    names = []
    # A statement begins at the margin and goes on over what is indented, or closes it.
    for statement in re.split(r"\n(?=[A-Za-z_\[])", "\n" + code):
        statement = re.sub(r"^template\s*<[^\n]*>\s*", "", statement.strip())
        found = [match.group(1) for pattern in DECLARATIONS
                 if (match := pattern.match(statement))][:1]
        names += [name for name in found
                  if name not in names and not name.startswith("operator")]
    return names


def described(page):
    """For each header of a page, the names in its section."""
    sections = re.split(r"^## +<cinch/core/(\w+\.hh)>[ \t]*$", page, flags=re.MULTILINE)[1:]
    return {header: {name for cell in re.findall(r"^\| ([^|]*) \|", text, re.MULTILINE)
                     for name in re.findall(r"`(\w+)`", cell)}
            for header, text in zip(sections[::2], sections[1::2])}


def gaps(headers, pages):
    """What is missing or too much; both arguments map names of files to texts."""
    sections = {}
    for name, page in pages.items():
        for header, names in described(page).items():
            if header in sections:
                yield f"{name}: <cinch/core/{header}> is described twice"
            sections[header] = names
    for header, text in headers.items():
        if header not in sections:
            yield f"<cinch/core/{header}> is described nowhere in docs/reference/core"
            continue
        for name in declared_names(text):
            if name not in sections[header]:
                yield f"<cinch/core/{header}>: '{name}' is not described in docs/reference/core"
        for name in sorted(sections[header] - set(declared_names(text))):
            yield f"<cinch/core/{header}>: '{name}' is described, but not there"
    for header in sorted(set(sections) - set(headers)):
        yield f"docs/reference/core describes <cinch/core/{header}>, which does not exist"


def main():
    headers = {path.name: path.read_text() for path in sorted(HEADERS.glob("*.hh"))}
    pages = {path.name: path.read_text() for path in sorted(PAGES.glob("*.md"))}
    problems = list(gaps(headers, pages))
    count = sum(len(declared_names(text)) for text in headers.values())
    print("\n".join(problems + [f"{len(headers)} headers, {count} names, {len(problems)} gaps"]))
    return len(problems) > 0


if __name__ == "__main__":
    sys.exit(main())
