"""A file server on this machine that misbehaves on request."""

import contextlib
import socketserver
import threading
from collections import deque
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer(ThreadingHTTPServer):
    """Serve the bytes in `files`; each entry of `faults` spoils one request.

    A fault is an HTTPStatus to answer with, or the number of bytes after which the
    connection is cut. `log` collects the ``Range`` header of each GET request, `requests`
    counts all.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {}
        self.extra_headers = {}
        self.faults = deque()
        self.log = []
        self.requests = 0
        self.ranges = True
        self.states_length = True

    def url(self, path):
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def __enter__(self):
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self.server.log.append(self.headers.get("Range"))
        self._answer(with_body=True)

    def _answer(self, with_body):
        self.server.requests += 1
        faults = self.server.faults
        fault = faults.popleft() if with_body and faults else None
        body = self.server.files.get(self.path)
        if body is None or isinstance(fault, HTTPStatus):
            self.send_error(HTTPStatus.NOT_FOUND if body is None else fault)
        elif self._start() >= len(body):
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._send_head(body, self._start())
            if with_body:
                self.wfile.write(body[self._start() :][:fault])

    def _send_head(self, body, start):
        self.send_response(HTTPStatus.PARTIAL_CONTENT if start else HTTPStatus.OK)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if self.server.states_length:
            self.send_header("Content-Length", str(len(body) - start))
        for name, value in self.server.extra_headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _start(self):
        asked = self.headers.get("Range")
        return int(asked[6:].partition("-")[0]) if asked and self.server.ranges else 0

    def log_message(self, *arguments):
        pass


class ScriptedServer(socketserver.ThreadingTCPServer):
    """Answer each request with the bytes that `script` makes of its head, whatever they are.

    `script` takes the number of the request, from 0, and its head as text; bytes that follow each
    other may come as an iterator, which may have no end.
    """

    daemon_threads, allow_reuse_address, block_on_close = True, True, False

    def __init__(self, script):
        super().__init__(("127.0.0.1", 0), _Scripted)
        self.script, self.requests = script, 0

    def url(self, path):
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def __enter__(self):
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Scripted(socketserver.BaseRequestHandler):
    def handle(self):
        head = b""
        with contextlib.suppress(OSError):
            while b"\r\n\r\n" not in head and (more := self.request.recv(65536)):
                head += more
            number, self.server.requests = self.server.requests, self.server.requests + 1
            answer = self.server.script(number, head.decode("latin-1"))
            for part in [answer] if isinstance(answer, bytes) else answer:
                self.request.sendall(part)


def http_answer(body, status="200 OK", length=None, **headers):
    """Write an answer by hand; `length` may lie, or be left out by False."""
    lines = [f"HTTP/1.1 {status}", "Connection: close"]
    if length is not False:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
