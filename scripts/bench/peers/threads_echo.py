"""An echo server with one thread a client."""

import socket
import sys
import threading


def serve(client):
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while data := client.recv(65536):
            client.sendall(data)
    except OSError:
        pass
    finally:
        client.close()


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
