# SPDX-License-Identifier: Apache-2.0
"""pytest-xprocess as its documentation has it: a pattern in the output, and a check that connects."""
import os
import random
import socket
import struct
import time

import pytest
from xprocess import ProcessStarter

STAMP = os.environ["STAMP"]


@pytest.mark.parametrize("start", range(int(os.environ["STARTS"])))
def test_start(xprocess, start):
    port = int(os.environ["FIRST_PORT"]) + start
    with open(STAMP, "wb") as stamp:
        stamp.write(bytes(4096))

    class Starter(ProcessStarter):
        pattern = "about to listen"
        args = [os.environ["STAMPS_LISTEN"], "--port", port, "--stamp", STAMP, "--print",
                "--delay-us", random.randint(5_000, 50_000)]

        def startup_check(self):
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", port)) == 0

    xprocess.ensure(f"server{port}", Starter)
    ready = time.monotonic_ns()
    with open(STAMP, "rb") as stamp:
        listened = struct.unpack("<q", stamp.read(8))[0]
    xprocess.getinfo(f"server{port}").terminate()
    with open(os.environ["RESULT"], "a", encoding="utf-8") as result:
        result.write(f"{(ready - listened) / 1e3}\n")
