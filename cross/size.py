#!/usr/bin/env python3
"""size.py ARCH [DIR]: what takes the space in build/cross/ARCH/hivemind-agent, by library, from the linker's map."""
import collections
import pathlib
import re
import sys

LOADED = re.compile(r"\.(text|rodata|data|eh_frame|gcc_except_table|init|fini|tdata|got|ARM|relro|preinit|ctors|dtors)")
# " .text.name  0xaddress  0xsize  file"; a long name stands on a line of its own.
PLACED = re.compile(r"^ (\.\S+)?\s+0x[0-9a-f]+\s+0x([0-9a-f]+) (\S.*)$")


def owner_of(file):
    archive = re.search(r"([^/]+)\.a\(", file)
    if archive:
        return archive.group(1)
    return "our code, Boost, Paho C++, SQLiteCpp (linked as one)" if ".ltrans" in file else "start files"


def sizes(map_file):
    total = collections.Counter()
    name, counting = "", False
    for line in map_file.read_text(errors="replace").splitlines():
        if line.startswith("Linker script and memory map"):
            counting = True
        if not counting:
            continue
        if re.fullmatch(r" \.\S+", line):
            name = line.strip()
            continue
        match = PLACED.match(line)
        if match and LOADED.match(match.group(1) or name):
            total[owner_of(match.group(3))] += int(match.group(2), 16)
        name = match.group(1) or name if match else name
    return total


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).parent.parent / "build/cross") / sys.argv[1]
    maps = list(root.glob("agent/**/hivemind-agent.map"))
    if not maps:
        sys.exit(f"size: no map below '{root}' (build it with cross/build.sh {sys.argv[1]})")
    for owner, size in sizes(maps[0]).most_common(15):
        print(f"{size / 1024:8.0f} KiB  {owner}")
    print(f"{(root / 'hivemind-agent').stat().st_size / 1024:8.0f} KiB  the file, stripped")


main()
