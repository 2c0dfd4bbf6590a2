"""A web server of files in memory, which can be as bad as real ones."""

import re
import threading
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """Serves ``files``, path to bytes, and writes down what it was asked.

    ``ranges``: whether it knows Range and If-Range. ``tag`` and ``date``: its ETag and
    Last-Modified, '' for none. ``cuts``: bytes after which each of the next answers ends, too
    early. ``errors``: statuses of the next answers. ``shift``: added to the first byte of a range.
    """

    def __init__(self):
        self.files = {}
        self.ranges, self.tag, self.date, self.shift = True, '"1"', formatdate(0, usegmt=True), 0
        self.cuts, self.errors = [], []
        self.requests = []  # dict(path, range, sent)
        self.url = ''

    @property
    def sent(self):
        """Bytes of files sent until now."""
        return sum(request['sent'] for request in self.requests)


class _Handler(BaseHTTPRequestHandler):
    files: FileServer

    def do_GET(self):
        server, wanted = self.files, self.headers.get('Range')
        request = dict(path=self.path, range=wanted, sent=0)
        server.requests.append(request)
        if server.errors:
            return self.send_error(server.errors.pop(0))
        if self.path not in server.files:
            return self.send_error(404)
        data, first = server.files[self.path], 0
        if wanted and server.ranges and self.headers['If-Range'] in (server.tag, server.date):
            first = int(re.fullmatch(r'bytes=(\d+)-', wanted)[1])
        if first and first >= len(data):
            self.send_response(416)
            self.send_header('Content-Range', f'bytes */{len(data)}')
            self.send_header('Content-Length', '0')
            return self.end_headers()
        first += server.shift if first else 0
        self.send_response(206 if first else 200)
        if first:
            self.send_header('Content-Range', f'bytes {first}-{len(data) - 1}/{len(data)}')
        for name, value in (('ETag', server.tag), ('Last-Modified', server.date)):
            if value:
                self.send_header(name, value)
        self.send_header('Content-Length', str(len(data) - first))
        self.end_headers()
        body = data[first:]
        if server.cuts:
            body = body[:server.cuts.pop(0)]
        request['sent'] = len(body)  # before the client can have it all and look
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *args):
        """Keep the tests' output clean."""


@contextmanager
def serving():
    """Give a :class:`FileServer` that runs."""
    files = FileServer()
    handler = type('Handler', (_Handler, ), dict(files=files))
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        files.url = f'http://127.0.0.1:{server.server_port}'
        thread = threading.Thread(target=server.serve_forever, kwargs=dict(poll_interval=0.02))
        thread.start()
        try:
            yield files
        finally:
            server.shutdown()
            thread.join()
