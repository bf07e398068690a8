#!/usr/bin/env python3
"""confined.py BIN: hub and agent do their work within the sandboxes of their systemd units (tests/support/sandboxed.py stands in for
systemd), and the agent asks the engine for what docs/agent.md lists, and for nothing else. Against the engine of $DOCKER_HOST."""

import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
IMAGE = os.environ.get("HIVEMIND_TEST_IMAGE", "hivemind-test:1")
# Takes a registry, and an image that nothing needs any more: tests/e2e/pulls.cpp.
NOT_REACHED = {"DELETE /images/{image}"}


def skip(why):
    print(f"confined: skipped: {why}")
    sys.exit(77)


class Engine:
    def __init__(self, socket_path):
        self.path = socket_path

    def ask(self, method, target, body=None):
        connection = http.client.HTTPConnection("engine")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self.path)
        connection.request(method, target, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        return json.loads(text) if answer.status < 300 and text.strip() else answer.status

    def ours(self, kind, label):
        found = self.ask("GET", f"/{kind}?all=1&filters=" + urllib.parse.quote(json.dumps({"label": [label]})))
        return (found["Volumes"] or []) if kind == "volumes" else found

    def remove_all(self, label):
        for container in self.ours("containers/json", label):
            self.ask("DELETE", f"/containers/{container['Id']}?force=1&v=1")
        for network in self.ours("networks", label):
            self.ask("DELETE", f"/networks/{network['Id']}")
        for volume in self.ours("volumes", label):
            self.ask("DELETE", f"/volumes/{volume['Name']}?force=1")


class RecordingProxy:
    """Passes on all that comes, and remembers the first line of each request, without version and parameters."""

    REQUEST = re.compile(rb"(?:^|\n)([A-Z]+) (?:/v1\.\d+)?(/[^ ?]*)[^ ]* HTTP/1\.1\r\n")

    def __init__(self, path, engine):
        self.engine, self.asked = engine, set()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(self.engine)
            threading.Thread(target=self.carry, args=(client, engine, True), daemon=True).start()
            threading.Thread(target=self.carry, args=(engine, client, False), daemon=True).start()

    def carry(self, source, target, is_request):
        try:
            while data := source.recv(1 << 20):
                if is_request:
                    self.asked |= {b" ".join(found).decode() for found in self.REQUEST.findall(data)}
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def documented():
    rows = re.findall(r"^\| `((?:GET|POST|DELETE) /[^` ]*)` \|", (ROOT / "docs/agent.md").read_text(), re.MULTILINE)
    assert rows, "docs/agent.md lists no endpoints"
    return {row: re.compile(re.sub(r"\\\{[a-z]+\\\}", "[^/]+", re.escape(row).replace(r"\{image\}", ".+"))) for row in rows}


def free_port():
    """Below what the system gives to outgoing connections: one of those could take it before it is listened at."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Fleet:
    """One hub and one agent, each confined by its unit, and a repository."""

    def __init__(self, binaries, directory, engine_path):
        self.directory, self.binaries = directory, binaries
        self.engine, self.node = Engine(engine_path), "confined-" + directory.name[-6:].lower().replace("_", "x")
        self.stack = "web-" + self.node
        self.proxy = RecordingProxy(str(directory / "engine.sock"), engine_path)
        self.api, self.broker = free_port(), free_port()
        self.processes = {}
        (directory / "repo").mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *words):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words], cwd=self.directory / "repo", check=True)

    def commit(self, **files):
        for name, text in files.items():
            (self.directory / "repo" / name.replace("__", ".")).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "next")

    def start(self, name, *words):
        data = self.directory / name
        data.mkdir(exist_ok=True)
        confined = [str(ROOT / "tests/support/sandboxed.py"), str(ROOT / f"deploy/hivemind-{name}.service"), str(data)]
        with open(self.directory / f"{name}.log", "a", encoding="utf-8") as log:
            command = [*confined, str(self.binaries / f"hivemind-{name}"), "--data-dir", str(data), *words]
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def start_hub(self):
        self.start("hub", "--git-url", str(self.directory / "repo"), "--git-branch", "main", "--poll-interval", "3600",
                   "--listen", f"127.0.0.1:{self.api}", "--broker-listen", f"127.0.0.1:{self.broker}")
        self.wait("the hub is up", lambda: "connected to the broker" in self.log("hub"))

    def start_agent(self):
        self.start("agent", "--node", self.node, "--broker", f"mqtt://127.0.0.1:{self.broker}",
                   "--hub-key", str(self.directory / "hub/hub.pub"), "--engine", "unix://" + str(self.directory / "engine.sock"))

    def log(self, name):
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def cli(self, *words):
        environment = {**os.environ, "HIVEMIND_HUB": f"http://127.0.0.1:{self.api}",
                       "HIVEMIND_TOKEN_FILE": str(self.directory / "hub/admin.token")}
        return subprocess.run([str(self.binaries / "hivemind"), *words], env=environment, capture_output=True, text=True, check=False)

    def report(self):
        shown = self.cli("node", "show", self.node, "--output", "json").stdout
        stacks = json.loads(shown).get("stack_reports", []) if shown.startswith("{") else []
        return {stack["stack"]: stack for stack in stacks}.get(self.stack, {})

    def state(self):
        return self.report().get("state")

    def is_good(self):
        report = self.report()
        return report.get("state") == "running" and report.get("good_digest") == report.get("desired_digest")

    def container(self):
        """Empty values where it is not there, as while another one takes its place."""
        found = self.engine.ask("GET", f"/containers/{self.stack}-app-1/json")
        absent = {"State": {"Status": "absent"}, "Config": {"Env": []}, "NetworkSettings": {"Networks": {}}}
        return found if isinstance(found, dict) else absent

    def wait(self, what, holds, seconds=90):
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s: {what}\n{self.log('hub')}\n{self.log('agent')}")
            time.sleep(0.2)
        print("confined:", what, flush=True)

    def end(self):
        for name in ("agent", "hub"):
            if name in self.processes:
                self.processes[name].terminate()
                try:
                    self.processes[name].wait(15)
                except subprocess.TimeoutExpired:
                    self.processes[name].kill()
        self.engine.remove_all("com.hivemind.node=" + self.node)
        self.engine.remove_all("hivemind-test=" + self.node)


def status(pid, key):
    return re.search(rf"^{key}:\s*(\S+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE).group(1)


def children(pid):
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def compose(fleet, version, command="[serve]", label="one"):
    """A service with hooks, files that it is given and files that it keeps, volumes and networks of its own and of others."""
    return f"""
x-hivemind: {{soak: 1s}}
services:
  app:
    image: {IMAGE}
    command: {command}
    restart: unless-stopped
    environment: {{VERSION: "{version}"}}
    stop_grace_period: 1s
    post_start: [{{command: [/app, job, "0"]}}]
    pre_stop: [{{command: [/app, job, "0"]}}]
    configs: [{{source: owned, uid: "1000", gid: "1000", mode: 0400}}]
    volumes: ["./page.txt:/page.txt", "data:/data", "there:/there"]
    networks: [front, back, there]
configs: {{owned: {{content: "version {version}"}}}}
volumes: {{data: {{}}, there: {{external: true, name: volume-{fleet.node}}}}}
networks:
  front: {{labels: {{is: {label}}}}}
  back: {{}}
  there: {{external: true, name: network-{fleet.node}}}
"""


def run(fleet):
    labels = {"hivemind-test": fleet.node}
    fleet.engine.ask("POST", "/networks/create", {"Name": "network-" + fleet.node, "Labels": labels})
    fleet.engine.ask("POST", "/volumes/create", {"Name": "volume-" + fleet.node, "Labels": labels})
    stacks = f"stacks:\n  - name: {fleet.stack}\n    compose_file: web.yml\n"
    fleet.commit(web__yml=compose(fleet, 1), page__txt="page 1\n", stacks__yml=stacks)
    fleet.start_hub()
    fleet.start_agent()
    fleet.wait("a first release is good", fleet.is_good)

    agent, hub = fleet.processes["agent"].pid, fleet.processes["hub"].pid
    assert (status(agent, "CapEff"), status(agent, "NoNewPrivs"), status(agent, "Seccomp")) == ("000000000000000b", "1", "2")
    for pid in (hub, *children(hub)):  # Mosquitto is its child
        assert (status(pid, "CapEff"), status(pid, "Seccomp")) == ("0000000000000000", "2"), pid
    assert children(hub)

    fleet.engine.ask("POST", f"/containers/{fleet.stack}-app-1/pause")
    fleet.wait("what was paused goes on", lambda: fleet.container()["State"]["Status"] == "running")
    back = f"{fleet.stack}_back"
    fleet.engine.ask("POST", f"/networks/{back}/disconnect", {"Container": f"{fleet.stack}-app-1", "Force": True})
    fleet.wait("what was cut off is connected", lambda: back in fleet.container()["NetworkSettings"]["Networks"])

    kept = next((fleet.directory / "agent/stacks" / fleet.stack / "data").rglob("page.txt"))
    os.chown(kept, 1000, 1000)
    kept.chmod(0o600)
    fleet.commit(web__yml=compose(fleet, 2), page__txt="page 2\n")
    fleet.cli("sync")
    fleet.wait("an update is good", lambda: fleet.is_good() and "VERSION=2" in fleet.container()["Config"]["Env"])
    assert kept.read_text() == "page 2\n", "a file of the application's owner was not updated"

    fleet.commit(web__yml=compose(fleet, 3, '[job, "3"]'))
    fleet.cli("sync")
    fleet.wait("a bad release is rolled back", lambda: fleet.state() == "rolled_back")
    fleet.commit(web__yml=compose(fleet, 4, label="two"))
    fleet.cli("sync")
    fleet.wait("a changed network is made anew", lambda: fleet.is_good() and "VERSION=4" in fleet.container()["Config"]["Env"])
    fleet.commit(none__yml="services: {app: {image: 'localhost:1/none:1'}}\n",
                 stacks__yml=stacks + f"  - name: none-{fleet.node}\n    compose_file: none.yml\n")
    fleet.cli("sync")
    fleet.wait("a pull fails", lambda: "pull_failed" in fleet.cli("node", "show", fleet.node, "--output", "json").stdout)

    fleet.processes["agent"].send_signal(signal.SIGTERM)
    assert fleet.processes["agent"].wait(15) == 0
    fleet.start_agent()
    fleet.commit(stacks__yml="stacks: []\n")
    fleet.cli("sync", "--confirm-empty")
    fleet.wait("all is gone", lambda: not fleet.engine.ours("containers/json", "com.hivemind.node=" + fleet.node))
    shown = {}

    def is_shown():
        answer = fleet.cli("stack", "purge", fleet.node, fleet.stack, "--output", "json").stdout
        shown.update(json.loads(answer) if answer.startswith("{") else {})
        return shown.get("volumes") == [fleet.stack + "_data"]

    fleet.wait("what is left is shown", is_shown)
    assert fleet.cli("stack", "purge", fleet.node, fleet.stack, "--yes", shown["confirm"]).returncode == 0
    for name in ("agent", "hub"):
        for word in ("not permitted", "Read-only file system", "ermission denied"):
            assert word not in fleet.log(name), fleet.log(name)


def compare(asked):
    endpoints = documented()
    used = {request: [row for row, pattern in endpoints.items() if pattern.fullmatch(request)] for request in asked}
    strangers = sorted(request for request, rows in used.items() if not rows)
    unused = set(endpoints) - {row for rows in used.values() for row in rows} - NOT_REACHED
    assert not strangers, f"docs/agent.md does not list: {strangers}"
    assert not unused, f"docs/agent.md lists what the agent does not ask for: {sorted(unused)}"
    print(f"confined: {len(asked)} requests, all of them by the {len(endpoints)} endpoints of docs/agent.md")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if os.geteuid() != 0 or not shutil.which("systemd-analyze"):
        skip("this takes root, and systemd-analyze")
    engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    os.environ["PATH"] += ":/usr/sbin"
    with tempfile.TemporaryDirectory(prefix="hm-confined-") as directory:
        fleet = Fleet(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(directory), engine)
        try:
            run(fleet)
        finally:
            fleet.end()
        compare(fleet.proxy.asked)


main()
