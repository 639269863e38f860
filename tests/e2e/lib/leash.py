# SPDX-License-Identifier: Apache-2.0
"""Runs a program for as long as somebody holds our input: a test that is killed leaves nothing behind.
usage: leash.py SIGNAL PROGRAM ...; the first line of output is the program's process id."""
import os
import signal
import subprocess
import sys
import threading

child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL)
print(child.pid, flush=True)


def hold():
    while os.read(0, 4096):
        pass
    child.send_signal(getattr(signal, "SIG" + sys.argv[1]))


threading.Thread(target=hold, daemon=True).start()
sys.exit(1 if child.wait() else 0)
