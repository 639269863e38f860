# SPDX-License-Identifier: Apache-2.0
"""Runs a program for as long as somebody holds our input: a test that is killed leaves nothing behind.
usage: leash.py SIGNAL DIRECTORY PROGRAM ...; without its holder, DIRECTORY goes with the program.
The first line of output is the program's process id."""
import os
import shutil
import signal
import subprocess
import sys
import threading

child = subprocess.Popen(sys.argv[3:], stdin=subprocess.DEVNULL)
print(child.pid, flush=True)
is_lost = threading.Event()


def hold():
    while os.read(0, 4096):
        pass
    is_lost.set()
    child.send_signal(getattr(signal, "SIG" + sys.argv[1]))


threading.Thread(target=hold, daemon=True).start()
status = child.wait()
if is_lost.is_set():
    shutil.rmtree(sys.argv[2], ignore_errors=True)
sys.exit(status != 0)
