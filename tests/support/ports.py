"""Ports for processes that meet on this machine."""

import socket


def free_port() -> int:
    """Find a port that nobody listens on now."""
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        return server.getsockname()[1]
