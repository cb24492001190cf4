"""The agent's end of the protocol (testing/clients/protocol.ts), for Python libraries.

`run` serves calls until stdin ends. Calls run on threads of their own; `send` keeps their lines apart.
"""

import base64
import json
import os
import runpy
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

_out_lock = threading.Lock()


def client_config():
    """What the module that the environment variable CLIENT_CONFIG names has as `config`; nothing without one."""
    path = os.environ.get("CLIENT_CONFIG")
    return {} if path is None else runpy.run_path(path)["config"]


def run(calls):
    """Serves `calls`: name -> function of the call's arguments."""
    threads = ThreadPoolExecutor(max_workers=8)
    for line in sys.stdin:
        threads.submit(_answer, json.loads(line), calls)
    # Like an application that is stopped: no good-bye from clients that are still open.
    os._exit(0)


def send(message):
    with _out_lock:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def send_assigned(partitions):
    send({"event": "assigned", "partitions": sorted(partitions)})


def send_record(record):
    send({"event": "record", "record": record})


def to_bytes(text):
    return None if text is None else base64.b64decode(text)


def to_text(data):
    return None if data is None else base64.b64encode(data).decode()


def _answer(request, calls):
    answer = {"id": request["id"]}
    try:
        if request["call"] not in calls:
            raise NotImplementedError("no call " + request["call"])
        answer["result"] = calls[request["call"]](request["args"])
    except Exception as error:  # every failure is the test's to judge
        answer["error"] = {"name": type(error).__name__, "message": str(error)}
    send(answer)
