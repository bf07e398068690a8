#!/usr/bin/env python3
"""odd_registry.py PORT: a registry that does what the good one does not. What, is said by the repository's name."""

import base64
import hashlib
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

PORT = int(sys.argv[1])
IMAGE = "application/vnd.oci.image.manifest.v1+json"
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": IMAGE}).encode()
DIGEST = "sha256:" + hashlib.sha256(MANIFEST).hexdigest()
LOGIN = "Basic " + base64.b64encode(b"user:secret").decode()


class Odd(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def manifest(self, body=MANIFEST, digest=DIGEST, kind=IMAGE):
        self.answer(200, body, Content_Type=kind, **({"Docker_Content_Digest": digest} if digest else {}))

    def do_HEAD(self):
        self.do_GET()

    def do_POST(self):
        if self.path == "/moved-token":
            self.rfile.read(int(self.headers["Content-Length"]))
            return self.answer(307, Location="/token")
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        good = form["grant_type"] == ["refresh_token"] and form["refresh_token"] == ["id+token"]
        self.give_token(form["scope"][0] if good else None)

    def give_token(self, scope):
        if scope is None:
            self.answer(401)
        else:
            self.answer(200, json.dumps({"access_token": "for " + scope}).encode())

    def do_GET(self):
        url = urlparse(self.path)
        if url.path == "/moved-token":
            return self.answer(307, Location="/token?" + url.query)
        if url.path == "/token":
            scope = parse_qs(url.query)["scope"][0]
            private = "private" in scope
            return self.give_token(scope if not private or self.headers["Authorization"] == LOGIN else None)
        what = url.path.split("/")[2]
        getattr(self, what)()

    def bearer(self, what="bearer", realm=f"http://127.0.0.1:{PORT}/token"):
        scope = f"repository:{what}/app:pull"
        if self.headers["Authorization"] == "Bearer for " + scope:
            return self.manifest()
        self.answer(401, WWW_Authenticate=f'Bearer realm="{realm}",service="odd",scope="{scope}"')

    def private(self):
        self.bearer("private")

    def moved_private(self):
        self.bearer("moved_private", f"http://127.0.0.1:{PORT}/moved-token")

    def elsewhere(self):
        self.bearer("elsewhere", f"http://0.0.0.0:{PORT}/token")

    def misleading(self):
        self.bearer("misleading", f"http://127.0.0.1:1@127.0.0.1:{PORT}/token")

    def busy(self):
        self.answer(429, Retry_After="7")

    def broken(self):
        self.answer(503)

    def moved(self):
        self.answer(307, Location="/v2/plain/app/manifests/1")

    def circle(self):
        self.answer(307, Location=self.path)

    def plain(self):
        self.manifest()

    def bare(self):
        self.answer(405) if self.command == "HEAD" else self.manifest(digest=None)

    def liar(self):
        self.answer(405) if self.command == "HEAD" else self.manifest(digest="sha256:" + "0" * 64)

    def huge(self):
        self.answer(405) if self.command == "HEAD" else self.manifest(body=b" " * (5 << 20), digest=None)

    def old(self):
        kind = "application/vnd.docker.distribution.manifest.v1+prettyjws"
        self.manifest(body=b"{}", digest="sha256:" + hashlib.sha256(b"{}").hexdigest(), kind=kind)

    def slow(self):
        time.sleep(20)

    def kerberos(self):
        self.answer(401, WWW_Authenticate="Negotiate")


ThreadingHTTPServer.daemon_threads = True
ThreadingHTTPServer(("127.0.0.1", PORT), Odd).serve_forever()
