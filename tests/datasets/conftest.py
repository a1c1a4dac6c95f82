"""A folder of the files of MNIST, and web servers that offer them."""

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from mnist_files import NAMES, UNREACHABLE

from skmnist.datasets import _mnist


@pytest.fixture
def home(mnist_home, tmp_path):
    """Copy the real files to a folder, ours to damage."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in NAMES:
        shutil.copyfile(mnist_home / name, folder / name)
    return folder


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setitem(_mnist._MIRRORS, "digits", (UNREACHABLE,))


@pytest.fixture
def serve(monkeypatch):
    """Start web servers that offer folders, and make them the mirrors."""
    pytest.importorskip("pooch", reason="downloading needs the extra 'data'")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    servers = []

    def start(*folders, before_reply=lambda path: None):
        class Handler(SimpleHTTPRequestHandler):
            def do_GET(self):
                before_reply(self.path)
                super().do_GET()

            def log_message(self, *args):
                pass

        urls = []
        for folder in folders:
            handler = partial(Handler, directory=folder)
            server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
            # The interval, in seconds, is how long stopping takes.
            threading.Thread(
                target=server.serve_forever, args=(0.02,), daemon=True
            ).start()
            servers.append(server)
            urls.append(f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setitem(_mnist._MIRRORS, "digits", tuple(urls))
        return urls

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
