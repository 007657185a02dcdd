"""Open sessions on a page without a browser: what a browser would ask for, they ask for, and draw nothing.

`python tests/live_sessions.py URL PAGE QUERY COUNT SECONDS` prints, as JSON, how long the answers took in
seconds (from asking to the end of the script; first each session's page, then its fragments), and how many
exceptions the pages showed.
Ten browsers on the cores that also serve them would measure themselves.
"""

import asyncio
import json
import sys
import time
from collections import deque

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

SETTLING_SECONDS = 15  # all of them open the page at the same moment
MOST_BYTES = 64 * 1024 * 1024


class Session:
    """One tab: asks for the page once, and then for its fragments as often as the page wants it to."""

    def __init__(self, page, query):
        self._page, self._query = page, query
        self._hash = ""
        self._asked = deque()  # when; the server answers in that order
        self._began = time.monotonic()
        self._timers = {}
        self.took = []
        self.exceptions = 0

    async def live(self, url, seconds):
        address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
        async with websockets.connect(
            address, subprotocols=["streamlit"], max_size=MOST_BYTES, origin=url
        ) as socket:
            await self._ask(socket, "")
            try:
                async with asyncio.timeout(seconds):
                    async for data in socket:
                        self._hear(ForwardMsg.FromString(data), socket)
            except TimeoutError:
                pass
            for timer in self._timers.values():
                timer.cancel()

    async def _ask(self, socket, fragment):
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.page_name = self._query, self._page
        asked.page_script_hash, asked.fragment_id = self._hash, fragment
        asked.is_auto_rerun = bool(fragment)
        self._asked.append(time.monotonic())
        await socket.send(message.SerializeToString())

    def _hear(self, message, socket):
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._hash = message.new_session.page_script_hash
        elif kind == "auto_rerun":
            self._repeat(message.auto_rerun, socket)
        elif kind == "delta":
            self.exceptions += message.delta.new_element.HasField("exception")
        elif kind == "script_finished" and self._asked:
            asked = self._asked.popleft()
            if not self.took or asked - self._began > SETTLING_SECONDS:
                self.took.append(time.monotonic() - asked)

    def _repeat(self, wanted, socket):
        async def again():
            while True:
                await asyncio.sleep(wanted.interval)
                if not self._asked:  # two at once may be answered as one, and nobody could tell which
                    await self._ask(socket, wanted.fragment_id)

        if wanted.fragment_id not in self._timers:
            self._timers[wanted.fragment_id] = asyncio.create_task(again())


async def main(url, page, query, count, seconds):
    sessions = [Session(page, query) for _ in range(int(count))]
    await asyncio.gather(*(session.live(url, float(seconds)) for session in sessions))
    found = {
        "pages": [session.took[0] for session in sessions],
        "fragments": [each for session in sessions for each in session.took[1:]],
        "exceptions": sum(session.exceptions for session in sessions),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
