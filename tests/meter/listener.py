"""The sockets: HTTP/1.1 with keep-alive, chunked streams, and connections that can be dropped."""

import contextlib
import socket
import socketserver
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from meter.reply import Reply
from meter.wire import Answer, plain

# (method, target, body) -> status, what to send, and the reply that says how.
Serve = Callable[[str, str, bytes], tuple[int, Answer, Reply]]

# What a client may try again, so the answer says when.
RETRYABLE = {429, 500, 502, 503, 504, 529}


class Listener(ThreadingHTTPServer):
    """Knows its open connections: a client's keep-alive must not outlive the test as a leaked socket."""

    daemon_threads = False  # server_close() then waits for the handlers, which hang_up() ends
    request_queue_size = 256

    def __init__(self, serve: Serve, fail: Callable[[Exception], None]) -> None:
        self.serve = serve
        self.fail = fail
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        # HTTPServer looks the host name up here, which can take seconds and is never used.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection in tuple(self._connections):
            with contextlib.suppress(OSError):  # it closed by itself meanwhile
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what is the meter's own fault; an OSError is a client that went away."""
        error = sys.exception()
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self.fail(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # buffered: a plain answer leaves in one piece, and each chunk of a stream is flushed
    server: Listener

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the parent's signature
        """Say nothing: a line per request on stderr would drown the test's own output."""

    def _handle(self) -> None:
        body = self._read_body()
        try:
            status, answer, reply = self.server.serve(self.command, self.path, body)
        except Exception as error:  # noqa: BLE001  kept and raised when the server closes
            self.server.fail(error)
            status, answer, reply = 400, plain({"error": {"message": f"meter failed: {error!r}"}}), Reply()
        if reply.cut_after_chunks is not None and status < 400:
            self._send_part(status, answer, reply.cut_after_chunks)
        else:
            self._send(status, answer, reply)

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, status: int, answer: Answer, reply: Reply) -> None:
        self._send_head(status, answer, reply)
        if not answer.stream:
            self.wfile.write(answer.chunks[0])
            self.wfile.flush()
            return
        for number, chunk in enumerate(answer.chunks):
            if number and reply.between_chunks is not None:
                reply.between_chunks(number)
            self._send_chunk(chunk)
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _send_part(self, status: int, answer: Answer, chunks: int) -> None:
        """The beginning of an answer, then a closed connection where the client expects more."""
        self._send_head(status, answer, Reply())
        if answer.stream:
            for chunk in answer.chunks[:chunks]:
                self._send_chunk(chunk)
        else:
            self.wfile.write(answer.chunks[0][: len(answer.chunks[0]) // 2])
        self.close_connection = True

    def _send_head(self, status: int, answer: Answer, reply: Reply) -> None:
        self.send_response(status)
        self.send_header("Content-Type", answer.content_type)
        if answer.stream:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(answer.chunks[0])))
        if status in RETRYABLE:
            self.send_header("Retry-After", f"{reply.retry_after_seconds:g}")
            self.send_header("Retry-After-Ms", f"{reply.retry_after_seconds * 1000:g}")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_chunk(self, chunk: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self.wfile.flush()
