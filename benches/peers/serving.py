"""Serves an application on a free port of 127.0.0.1, with uvloop and httptools, and prints the address."""

import socket

import uvicorn


def serve(app):
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print("127.0.0.1:%d" % listener.getsockname()[1], flush=True)
    config = uvicorn.Config(app, loop="uvloop", http="httptools", log_level="error", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])
