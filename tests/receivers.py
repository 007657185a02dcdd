"""Real servers on this computer that alerts are sent to: a webhook, and a mail server. Both can be away."""

from __future__ import annotations

import json
import socket
from email import message_from_bytes
from email.policy import default as modern
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from aiosmtpd.controller import Controller


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Webhook:
    """Answers `status` to whatever is posted to it, and keeps it. `messages` are (title, body)."""

    def __init__(self, port=None):
        self.port = free_port() if port is None else port
        self.status = 200
        self.messages = []
        self.refused = 0
        self._server = None

    @property
    def url(self):
        return f"json://robot:hunter2secret@127.0.0.1:{self.port}/hooks/T0PSECRETTOKEN"

    def start(self):
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if webhook.status == 200:
                    webhook.messages.append((content["title"], content["message"]))
                else:
                    webhook.refused += 1
                self.send_response(webhook.status)
                self.end_headers()

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class MailServer:
    """Takes whatever mail comes. `messages` are (subject, text)."""

    def __init__(self):
        self.port = free_port()
        self.messages = []
        self._controller = None

    @property
    def url(self):
        query = "from=swarm@example.com&to=ops@example.com&mode=insecure"
        return f"mailto://127.0.0.1:{self.port}/?smtp=127.0.0.1&{query}"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  # aiosmtpd's name
        mail = message_from_bytes(envelope.content, policy=modern)
        text = mail.get_body(preferencelist=("plain",)).get_content()
        self.messages.append((mail["Subject"], text))
        return "250 OK"

    def start(self):
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()
        return self

    def stop(self):
        if self._controller is not None:
            self._controller.stop()
            self._controller = None
