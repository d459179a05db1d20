"""A program on a terminal of its own, and a screen that shows what it would show."""

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time

TOKEN = re.compile(r"\x1b\[(\d*)([A-Za-z])|\r|\n|[^\x1b\r\n]+")


class Screen:
    """Understands what the live view uses: CR, LF, cursor up, erase to the end of line and
    of screen. Lines do not wrap: a longer one is remembered in `too_wide`."""

    def __init__(self, width):
        self.width = width
        self.lines = [""]
        self.row = self.column = 0
        self.too_wide = []

    def feed(self, text):
        for token in TOKEN.finditer(text):
            word = token.group(0)
            if word == "\r":
                self.column = 0
            elif word == "\n":
                self.row += 1
                if self.row == len(self.lines):
                    self.lines.append("")
            elif word.startswith("\x1b"):
                self.control(int(token.group(1) or 1), token.group(2))
            else:
                self.put(word)

    def control(self, count, letter):
        if letter == "A":
            self.row = max(0, self.row - count)
        elif letter == "K":
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif letter == "J":
            self.lines[self.row] = self.lines[self.row][:self.column]
            del self.lines[self.row + 1:]

    def put(self, word):
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[:self.column] + word + line[self.column + len(word):]
        self.column += len(word)
        if self.column > self.width:
            self.too_wide.append(self.lines[self.row])


class Terminal:
    """`argv` on a pseudo terminal. `frames` are the screens after each piece of output."""

    def __init__(self, argv, env, width=100, height=20):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(argv[0], argv, env)
        self.resize(width, height)
        self.screen = Screen(width)
        self.frames = []
        self.code = None

    def resize(self, width, height):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def type(self, text):
        os.write(self.fd, text.encode())

    def read(self, deadline_s=60, until=None):
        """Until the program ends, or `until(screen)` is true."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            if not select.select([self.fd], [], [], 0.1)[0]:
                continue
            try:
                piece = os.read(self.fd, 65536)
            except OSError:  # EIO: the other side is closed
                piece = b""
            if not piece:
                self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
                os.close(self.fd)
                return
            self.screen.feed(piece.decode(errors="replace"))
            self.frames.append(list(self.screen.lines))
            if until and until(self.screen):
                return
        raise AssertionError(f"not within {deadline_s} s; the screen:\n" +
                             "\n".join(self.screen.lines))
