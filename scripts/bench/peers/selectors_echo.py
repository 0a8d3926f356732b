"""An echo server on one thread and the `selectors` module."""

import selectors
import socket
import sys

selector = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024)
listener.setblocking(False)
selector.register(listener, selectors.EVENT_READ)


def echo(client):
    try:
        data = client.recv(65536)
    except BlockingIOError:
        return
    except OSError:
        data = b""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[client.send(rest) :]
        except BlockingIOError:
            pass
    if not data:
        selector.unregister(client)
        client.close()


while True:
    for key, _ in selector.select():
        if key.fileobj is listener:
            client, _ = listener.accept()
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(client, selectors.EVENT_READ)
        else:
            echo(key.fileobj)
