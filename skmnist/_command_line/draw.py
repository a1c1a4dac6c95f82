"""A page on which one draws a digit and sees what a model makes of it."""

import io
import math
import socket
import sys
import threading
import webbrowser
from pathlib import Path

import numpy as np

from skmnist import ConvNetClassifier
from skmnist._command_line.compare import EPOCHS
from skmnist._command_line.predict import open_model
from skmnist._command_line.preparation import find_preparation
from skmnist._extras import import_extra
from skmnist.datasets import load_digits28

PAGE = Path(__file__).with_name("draw_page")
MOST_BYTES = 2**20
# A small PNG can unfold to gigabytes; the page's own canvas is 560 by 560.
MOST_PIXELS = 2048**2


def draw(model=None, port=8000, browser=True, *, paper=None, pixels=None):
    """Serve the page until Ctrl-C; without a model, train one first.

    What the model does not tell of its pixels is taken from `paper` and `pixels`.
    """
    uvicorn = import_extra("uvicorn", "draw", "draw")
    for module in ("starlette", "PIL", "skimage"):
        import_extra(module, "draw", "draw")
    estimator = None if model is None else open_model(model)
    with listen(port) as listener:
        port = listener.getsockname()[1]
        estimator = train() if estimator is None else estimator
        preparation = find_preparation(estimator, paper, pixels)
        if preparation.guesses:
            print(f"{model}: {preparation.guesses}", file=sys.stderr)
        app = make_app(estimator, preparation, port)
        address = f"http://127.0.0.1:{port}/"
        print(f"Draw at {address} (Ctrl-C ends it)", flush=True)
        if browser:
            # A browser in the terminal returns only when it is closed.
            threading.Thread(
                target=webbrowser.open, args=[address], daemon=True
            ).start()
        config = uvicorn.Config(app, log_level="warning", lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])


def listen(port):
    """A socket that this machine alone can reach."""
    listener = socket.socket()
    if sys.platform != "win32":  # there it would share a port in use
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ValueError(
            f"cannot use port {port} ({error.strerror}). Choose another with --port"
        ) from error
    return listener


def train():
    """The default convolutional net, fitted to the digits of scikit-learn."""
    X, y = load_digits28(return_X_y=True)
    estimator = ConvNetClassifier(
        max_epochs=EPOCHS["digits"],
        random_state=0,
        verbose=1,
    )
    return estimator.fit(X, y)


def make_app(estimator, preparation, port):
    """The server of the page for a fitted classifier, as an ASGI application."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.responses import JSONResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    async def classes(request):
        return JSONResponse([str(label) for label in estimator.classes_])

    async def look(request):
        body = await read_body(request)
        if body is None:
            return JSONResponse({"error": "The picture is over 1 MiB."}, 413)
        try:
            # Not in a thread: so pictures wait for one another, as the model needs.
            return JSONResponse(answer(estimator, body, preparation))
        except ValueError as error:
            return JSONResponse({"error": f"{error}."}, 400)

    return Starlette(
        routes=[
            Route("/classes", classes),
            Route("/look", look, methods=["POST"]),
            Mount("/", StaticFiles(directory=PAGE, html=True)),
        ],
        middleware=[Middleware(OnlyThisHost, port=port)],
    )


class OnlyThisHost:
    """Refuse requests under other names, which other sites can point to this machine.

    Parameters
    ----------
    app : ASGI application
    port : int
    """

    def __init__(self, app, port):
        self.app = app
        self.hosts = {f"{name}:{port}".encode() for name in ("127.0.0.1", "localhost")}

    async def __call__(self, scope, receive, send):
        """Answer, or refuse."""
        from starlette.responses import PlainTextResponse

        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) == 1 and hosts[0].lower() in self.hosts:
            await self.app(scope, receive, send)
        else:
            refusal = PlainTextResponse("This page answers this machine only.", 403)
            await refusal(scope, receive, send)


async def read_body(request):
    """The bytes of a request, or None if there are too many."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)


def answer(estimator, body, preparation):
    """What the model sees in the bytes of a PNG file, and its probabilities."""
    if is_blank(body):
        return {"image": None, "probabilities": None}
    image, _ = preparation.read(io.BytesIO(body))
    proba = estimator.predict_proba(preparation.pixels([image]))
    return {
        "image": np.moveaxis(image, 0, -1).tolist(),
        "probabilities": proba[0].tolist(),
    }


def is_blank(body):
    """Whether a PNG file shows nothing; an error if it is none, or too large."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(body), formats=["PNG"]) as picture:
            if math.prod(picture.size) > MOST_PIXELS:
                raise ValueError("The picture has too many pixels")
            extrema = picture.convert("RGBA").getextrema()
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("The body must be a picture in the PNG format") from error
    return all(low == high for low, high in extrema)
