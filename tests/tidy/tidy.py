#!/usr/bin/env python3
"""tidy.py ROOT: what no compiler says about the tracked files. Prints one line a finding; exit code 1 when there is any."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

MOST_LINES = 500
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
SOURCE = (".cpp", ".h")
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.MULTILINE)

# Folders that decide and do no I/O: none of these may be included there.
PURE = ["agent/plan/", "hub/desired/compose/", "hub/desired/yaml/", "hub/enrolment/", "hub/inventory/", "hub/publish/", "hub/rollout/"]
IMPURE = re.compile(r"^(boost/|mqtt/|MQTT|git2|SQLiteCpp/|sqlite3|spdlog/|common/(http|mqtt|sqlite)/|common/log\.h|"
                    r"agent/(apply|engine|store|link)/|hub/(api|broker|store|web)/|sys/socket|netinet/|fstream$|thread$)")

# Third-party header -> where it may be included. Tests may include what they like.
HOMES = {
    r"^mqtt/|^MQTT": ["common/mqtt/"],
    r"^SQLiteCpp/|^sqlite3": ["common/sqlite/"],
    r"^curl/": ["hub/registry/transfer."],
    r"^git2": ["hub/desired/git/"],
    r"^yaml-cpp/": ["hub/desired/yaml/"],
    r"^openssl/": ["common/x509/", "common/http/", "hub/api/", "hub/desired/git/"],
    r"^sodium": ["common/", "hub/secrets/"],
    r"^spdlog/": ["common/log."],
    r"^boost/beast/": ["common/", "hub/api/", "agent/engine/"],
    r"^CLI/": ["agent/options.cpp", "agent/policy_options.cpp", "hub/config.cpp", "hub/cli/command_line"],
}
# The sides never include each other.
SIDES = {"agent/": "hub/", "hub/": "agent/", "common/": ("agent/", "hub/")}


def tracked(root):
    out = subprocess.run(["git", "-C", root, "ls-files", "-z"], check=True, capture_output=True).stdout.decode()
    return sorted(name for name in out.split("\0") if name and (root / name).is_file())


def check_text(name, text):
    if len(text.splitlines()) > MOST_LINES:
        yield f"{name}: {len(text.splitlines())} lines, {MOST_LINES} are the most (which second thing does it do?)"
    for number, line in enumerate(text.splitlines(), 1):
        if UNFINISHED.search(line):
            yield f"{name}:{number}: unfinished: {line.strip()}"


def check_includes(name, text):
    for header in INCLUDE.findall(text):
        for side, others in SIDES.items():
            if name.startswith(side) and header.startswith(others):
                yield f"{name}: includes \"{header}\" of another side"
        if name.startswith("tests/"):
            continue
        if any(name.startswith(folder) for folder in PURE) and IMPURE.search(header):
            yield f"{name}: includes <{header}>, but its folder is pure"
        for pattern, homes in HOMES.items():
            if re.search(pattern, header) and not any(name.startswith(home) for home in homes):
                yield f"{name}: includes <{header}>, which belongs to {', '.join(homes)}"


def anchors(text):
    """The anchors that GitHub makes of a page's headings."""
    for heading in re.findall(r"^#+\s+(.*)$", text, re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        yield plain.strip().replace(" ", "-")


def check_links(root, name, text):
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        page = (root / name).parent / path if path else root / name
        if not page.exists():
            yield f"{name}: link to '{target}', which does not exist"
        elif anchor and page.suffix == ".md" and anchor not in anchors(page.read_text()):
            yield f"{name}: link to '{target}', but that page has no such heading"


def check_format(root, names):
    program = shutil.which("clang-format-16")
    if not program:
        print("tidy: clang-format-16 is not installed, the format is not checked")
        return
    for start in range(0, len(names), 50):
        part = names[start:start + 50]
        done = subprocess.run([program, "--dry-run", "-Werror", *part], cwd=root, capture_output=True, text=True)
        for name in sorted({line.split(":")[0] for line in done.stderr.splitlines() if "error:" in line}):
            yield f"{name}: not formatted (clang-format-16 -i {name})"


def main(root):
    findings = []
    names = tracked(root)
    sources = [name for name in names if name.endswith(SOURCE)]
    for name in names:
        try:
            text = (root / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if name.endswith(SOURCE + (".sh", ".cmake", ".proto", ".py", "CMakeLists.txt")):
            findings += check_text(name, text)
        if name.endswith(SOURCE):
            findings += check_includes(name, text)
        if name.endswith(".md"):
            findings += check_links(root, name, text)
    findings += check_format(root, sources)
    print("\n".join(findings) or f"tidy: {len(names)} files looked at, nothing found")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
