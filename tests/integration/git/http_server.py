"""http_server.py ROOT PORT: serves the bare repositories below ROOT with git http-backend, on 127.0.0.1.

/open/NAME.git      anybody
/closed/NAME.git    user 'ada' with the password that the file ROOT/password holds at that moment
/moved/NAME.git     redirects to /closed/NAME.git
/away/NAME.git      redirects to the same under another host name, 'localhost'
/broken/NAME.git    status 503
/html/NAME.git      a page that is not Git
"""

import base64
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

ROOT = os.path.abspath(sys.argv[1])


def allowed(header):
    with open(os.path.join(ROOT, "password"), encoding="utf-8") as file:
        expected = "ada:" + file.read().strip()
    return header == "Basic " + base64.b64encode(expected.encode()).decode()


class Git(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def serve(self):
        body = self.body()
        url = urlsplit(self.path)
        _, zone, rest = url.path.split("/", 2)
        if zone == "moved":
            return self.reply(302, headers=[("Location", self.path.replace("/moved/", "/closed/"))])
        if zone == "away":
            place = "http://localhost:" + sys.argv[2] + self.path.replace("/away/", "/closed/")
            return self.reply(302, headers=[("Location", place)])
        if zone == "broken":
            return self.reply(503)
        if zone == "html":
            return self.reply(200, b"<html>hello</html>", [("Content-Type", "text/html")])
        if zone == "closed" and not allowed(self.headers.get("Authorization")):
            return self.reply(401, headers=[("WWW-Authenticate", 'Basic realm="git"')])
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": ROOT,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "PATH_INFO": "/" + rest,
            "QUERY_STRING": url.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
        }
        if self.headers.get("Content-Encoding"):
            environment["HTTP_CONTENT_ENCODING"] = self.headers["Content-Encoding"]
        result = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=False)
        head, _, content = result.stdout.partition(b"\r\n\r\n")
        status = 200
        headers = []
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            elif name:
                headers.append((name, value))
        return self.reply(status, content, headers)

    do_GET = serve
    do_POST = serve


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Git).serve_forever()
