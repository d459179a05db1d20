"""A proxy in front of a server that keeps every byte of both directions."""

import socket
import threading


class Wiretap:
    """Listens on 127.0.0.1:`port` and passes on to `target`, a (host, port) or a socket path."""

    def __init__(self, target):
        self.target = target
        self.chunks = []
        self.connections = 0
        self.open = []
        self.lock = threading.Lock()
        self.server = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def recorded(self):
        with self.lock:
            return b"".join(self.chunks)

    def close(self):
        with self.lock:
            ends, self.open = [self.server, *self.open], []
        for end in ends:
            self.shut(end)
            end.close()

    @staticmethod
    def shut(end):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is closed already

    def dial(self):
        if isinstance(self.target, tuple):
            return socket.create_connection(self.target)
        end = socket.socket(socket.AF_UNIX)
        end.connect(str(self.target))
        return end

    def accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return  # closed
            try:
                server = self.dial()
            except OSError:
                client.close()
                continue
            with self.lock:
                self.connections += 1
                self.open += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self.pass_on, args=(source, sink), daemon=True).start()

    def pass_on(self, source, sink):
        kept = bytearray()  # a direction stays whole: what is split over two reads is found
        with self.lock:
            self.chunks.append(kept)
        try:
            while data := source.recv(1 << 16):
                with self.lock:
                    kept += data
                sink.sendall(data)
        except OSError:
            pass  # one of the two has gone
        self.shut(source)
        self.shut(sink)
