"""A proxy in front of a server: its connections can be cut and held, its bytes kept or changed."""

import socket
import threading


class Proxy:
    """Listens on 127.0.0.1:`port` and passes on to `target`, a (host, port)."""

    def __init__(self, target):
        self.target = target
        self.connections = 0
        self.lock = threading.Lock()
        self.ends = set()
        self.flowing = {"up": threading.Event(), "down": threading.Event()}
        self.release()
        self.server = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def cut(self):
        """Breaks every connection, in the middle of whatever it carries."""
        with self.lock:
            ends, self.ends = self.ends, set()
        for end in ends:
            self.shut(end)

    def hold(self, *ways):
        """Nothing passes any more, and nobody is told; "up" or "down": one way only."""
        for way in ways or self.flowing:
            self.flowing[way].clear()

    def release(self):
        for flowing in self.flowing.values():
            flowing.set()

    def close(self):
        self.shut(self.server)
        self.release()
        self.cut()

    @staticmethod
    def shut(end):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was faster
        end.close()

    def accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return  # closed
            try:
                server = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            with self.lock:
                self.connections += 1
                self.ends |= {client, server}
            for way, source, sink in (("up", client, server), ("down", server, client)):
                threading.Thread(target=self.pass_on, args=(way, source, sink),
                                 daemon=True).start()

    def keeper(self):
        """What is called with each piece of one direction of one connection, and says what is
        passed on in its place."""
        return lambda piece: piece

    def pass_on(self, way, source, sink):
        keep = self.keeper()
        try:
            while piece := source.recv(65536):
                self.flowing[way].wait()
                sink.sendall(keep(piece))
        except OSError:
            pass  # cut
        for end in (source, sink):
            with self.lock:
                self.ends.discard(end)
            self.shut(end)


class Wiretap(Proxy):
    """Keeps every byte of both directions."""

    def __init__(self, target):
        self.chunks = []
        super().__init__(target)

    def recorded(self):
        with self.lock:
            return b"".join(self.chunks)

    def keeper(self):
        kept = bytearray()  # a direction stays whole: what is split over two reads is found
        with self.lock:
            self.chunks.append(kept)

        def keep(piece):
            with self.lock:
                kept.extend(piece)
            return piece
        return keep


class Forger(Proxy):
    """Passes `new` on where `old` comes: who connects through it speaks otherwise than it means."""

    def __init__(self, target, old, new):
        self.old, self.new = old, new
        super().__init__(target)

    def keeper(self):
        return lambda piece: piece.replace(self.old, self.new)
