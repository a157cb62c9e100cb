"""Runs a command on a pseudo-terminal: terminal.py SECONDS PROMPT ANSWER [PROMPT ANSWER ...] -- COMMAND...

Types each answer once its prompt has been printed, prints all that the terminal showed, exits as the command did."""

import os
import pty
import select
import sys
import time

split = sys.argv.index("--")
seconds, pairs, command = float(sys.argv[1]), sys.argv[2:split], sys.argv[split + 1 :]
answers = list(zip(pairs[::2], pairs[1::2]))
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
shown, seen, end = b"", 0, time.time() + seconds
while time.time() < end:
    if select.select([terminal], [], [], 0.2)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
    if answers and answers[0][0].encode() in shown[seen:]:
        seen = len(shown)
        # The prompt is printed before the echo is switched off.
        time.sleep(0.1)
        os.write(terminal, answers.pop(0)[1].encode() + b"\n")
else:
    os.kill(child, 9)
sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
