#!/usr/bin/env python3
"""sandboxed.py UNIT WRITABLE[:WRITABLE…] PROGRAM [ARGUMENT…]: runs the program under what the systemd unit confines it with, as far as a
process can do that to itself: the file system read-only but for the given directories, the bounding set of capabilities, no new
privileges, the filter of system calls and address families, no memory that is writable and executable. For machines where no systemd runs;
needs root, libseccomp and systemd-analyze, which knows systemd's groups of calls."""

import configparser
import ctypes
import errno
import os
import shutil
import socket
import subprocess
import sys

MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
CLONE_NEWNS = 0x20000
PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 23, 24, 38
PROT_WRITE, PROT_EXEC = 2, 4
ALLOW, EQ, MASKED_EQ = 0x7FFF0000, 4, 7
LIBC = ctypes.CDLL(None, use_errno=True)
CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"]


class Settings(dict):
    """Lists of a key's lines; an empty line empties the list, as in a unit."""

    def __setitem__(self, key, value):
        if isinstance(value, list) and isinstance(self.get(key), list):
            value = self[key] + value
        super().__setitem__(key, value)


def service_of(unit):
    parser = configparser.RawConfigParser(dict_type=Settings, strict=False, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str
    with open(unit, encoding="utf-8") as lines:
        parser.read_file(lines)
    return {key: [line for line in value.split("\n") if line] for key, value in parser.items("Service")}


def checked(result, what):
    if result != 0:
        code = ctypes.get_errno() if result == -1 else -result
        sys.exit(f"sandboxed: {what}: {os.strerror(code)}")


def mount(source, target, flags):
    checked(LIBC.mount(source.encode(), target.encode(), None, ctypes.c_ulong(flags), None), f"mount '{target}'")


def mount_points():
    with open("/proc/self/mounts", encoding="utf-8") as lines:
        return [line.split()[1].replace("\\040", " ") for line in lines]


def protect_files(writable):
    """Like ProtectSystem=strict: everything but /dev, /proc, /sys and what is given."""
    checked(LIBC.unshare(CLONE_NEWNS), "unshare")
    mount("none", "/", MS_REC | MS_PRIVATE)
    for place in writable:
        mount(place, place, MS_BIND | MS_REC)
    for point in mount_points():
        free = any(point == place or point.startswith(place + "/") for place in [*writable, "/dev", "/proc", "/sys"])
        if not free:
            flags = os.statvfs(point).f_flag & 0xF  # nosuid, nodev and noexec stay
            LIBC.mount(b"none", point.encode(), None, ctypes.c_ulong(MS_REMOUNT | MS_BIND | MS_RDONLY | flags), None)


def drop_capabilities(kept):
    for number in range(64):
        name = "CAP_" + CAPABILITIES[number] if number < len(CAPABILITIES) else ""
        if LIBC.prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1 and name not in kept:
            checked(LIBC.prctl(PR_CAPBSET_DROP, number, 0, 0, 0), "drop a capability")


def calls_of(group):
    calls = set()
    text = subprocess.run(["systemd-analyze", "syscall-filter", group], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines()[1:]:
        word = line.split("#")[0].strip()
        if word:
            calls |= calls_of(word) if word.startswith("@") else {word}
    return calls


def allowed_calls(lines):
    allowed = set()
    for line in lines:
        words = line.removeprefix("~").split()
        calls = set().union(*(calls_of(word) if word.startswith("@") else {word} for word in words))
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    # What systemd always leaves in, and what it takes to get from here to the program.
    return allowed | calls_of("@default") | {"execve"}


class Comparison(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


class Filter:
    def __init__(self):
        self.library = ctypes.CDLL("libseccomp.so.2")
        self.library.seccomp_init.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.library.seccomp_init(0x00050000 | errno.EPERM))

    def allow(self, name, *comparisons):
        number = self.library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # of another architecture
        array = (Comparison * len(comparisons))(*comparisons)
        checked(self.library.seccomp_rule_add_array(self.context, ALLOW, number, len(comparisons), array), name)

    def load(self):
        checked(self.library.seccomp_load(self.context), "seccomp_load")


def filter_calls(service):
    rules = Filter()
    calls = allowed_calls(service["SystemCallFilter"])
    for family in " ".join(service["RestrictAddressFamilies"]).split():
        rules.allow("socket", Comparison(0, EQ, getattr(socket, family)))
    calls -= {"socket", "shmat"}
    if service["MemoryDenyWriteExecute"] == ["yes"]:
        both = PROT_WRITE | PROT_EXEC
        for part in (0, PROT_WRITE, PROT_EXEC):
            rules.allow("mmap", Comparison(2, MASKED_EQ, both, part))
        rules.allow("mprotect", Comparison(2, MASKED_EQ, PROT_EXEC, 0))
        rules.allow("pkey_mprotect", Comparison(2, MASKED_EQ, PROT_EXEC, 0))
        calls -= {"mmap", "mmap2", "mprotect", "pkey_mprotect"}
    for call in sorted(calls):
        rules.allow(call)
    rules.load()


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    unit, writable, program = sys.argv[1], sys.argv[2].split(":"), sys.argv[3:]
    service = service_of(unit)
    needed = {"ProtectSystem": ["strict"], "NoNewPrivileges": ["yes"]}
    for key, value in needed.items():
        if service.get(key) != value:
            sys.exit(f"sandboxed: '{unit}' has {key}={service.get(key)}, which this program does not know")
    path = shutil.which(program[0]) or sys.exit(f"sandboxed: no program '{program[0]}'")
    protect_files([os.path.realpath(place) for place in writable])
    drop_capabilities(" ".join(service.get("CapabilityBoundingSet", [])).split())
    checked(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    filter_calls(service)
    os.execv(path, [path, *program[1:]])


main()
