"""A local HTTP server of a folder, with ranges, a delay of each answer, and a count of requests."""

import threading
import time
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class RangeHandler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body):
        server = self.server
        path = server.folder / self.path.lstrip("/")
        time.sleep(server.delay)
        if not path.is_file():
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        data = path.read_bytes()
        if server.damage:
            data = server.damage(path.name, data)
        asked = self.headers.get("Range") if server.ranges else None
        status, total = 200, len(data)
        if asked:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            data = data[int(first) : int(last) + 1 if last else None]
            status = 206
        self.send_response(status)
        self.send_header("Accept-Ranges", "bytes" if server.ranges else "none")
        self.send_header("Content-Length", str(len(data)))
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{int(first) + len(data) - 1}/{total}")
        self.end_headers()
        if body:
            with server.lock:
                server.asked.append((path.name, len(data)))
            self.wfile.write(data)

    def log_message(self, *_):
        pass


@contextmanager
def serving(folder, delay=0.0, ranges=True):
    """The server, whose `url` is that of the folder; `asked` lists file and bytes of each GET."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), RangeHandler)
    server.daemon_threads = True
    server.folder, server.delay, server.ranges, server.damage = folder, delay, ranges, None
    server.asked, server.lock = [], threading.Lock()
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
