"""The upstream side of every dialect, for the SDK suites: it checks what it is sent as strictly as the vendors do.

Started as a process, `python3 tests/sdk/vendors`. Prints `{"url": "http://127.0.0.1:PORT"}` and serves until its stdin
closes. Standard library only. `server.py` says what is served where, `scene.py` what is answered to what.
"""

import json
import sys
import threading
from http.server import ThreadingHTTPServer

from server import Handler


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"url": f"http://127.0.0.1:{server.server_address[1]}"}), flush=True)
# A suite that was killed closes the pipe, so nothing is left behind.
sys.stdin.buffer.read()
