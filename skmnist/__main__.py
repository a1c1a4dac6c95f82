"""The command line: `python -m skmnist`. Only reads arguments, and imports late."""

import argparse
import io
import os
import sys
from pathlib import Path

import skmnist


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line, without the usage above it."""

    def error(self, message):
        """Print what is wrong and exit with status 2."""
        self.exit(2, f"{self.prog}: error: {message}\n")


def positive_int(text):
    """Read an int of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"must be a whole number of 1 or more, got {text!r}"
        )
    return int(text)


def seed(text):
    """Read an int that scikit-learn takes for a random_state."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(
            f"must be a whole number between 0 and 2**32 - 1, got {text!r}"
        )
    return int(text)


def port(text):
    """Read the number of a port; 0 is any free one."""
    if not text.isdecimal() or int(text) >= 2**16:
        raise argparse.ArgumentTypeError(
            f"must be a whole number between 0 and 65535, got {text!r}"
        )
    return int(text)


def output_folder(text):
    """Read a folder that can be written to, or made; it is made when it is needed."""
    folder = there = Path(text)
    while not os.path.lexists(there):
        there = there.parent
    if not there.is_dir():
        raise argparse.ArgumentTypeError(
            f"cannot make the folder {text}: {there} is not a folder"
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise argparse.ArgumentTypeError(f"cannot write to the folder {there}")
    return folder


def model_file(text):
    """Read the file of a model."""
    return output_file(text, ".joblib")


def csv_file(text):
    """Read the file of a table."""
    return output_file(text, ".csv")


def output_file(text, suffix):
    """Read a file in a folder that can be written to, or made.

    Its suffix keeps a slip from overwriting a picture or a model.
    """
    path = Path(text)
    if path.suffix != suffix:
        raise argparse.ArgumentTypeError(f"must end in {suffix}, got {text!r}")
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a folder")
    output_folder(path.parent)
    return path


def image_shape(text):
    """Read a shape such as 28x28 or 3x32x32."""
    sides = text.split("x")
    if len(sides) not in (2, 3) or not all(side.isdecimal() for side in sides):
        raise argparse.ArgumentTypeError(
            f"must be like 28x28 (grey) or 3x32x32 (colour), got {text!r}"
        )
    return tuple(map(int, sides))


# -- running ----------------------------------------------------------------------


def run_compare(options):
    """Train the three estimators and compare them."""
    from skmnist._command_line.compare import compare

    compare(
        data=options.data,
        data_home=options.data_home,
        device=options.device,
        epochs=options.epochs,
        seed=options.seed,
        out=options.out,
    )


def run_recipes(options):
    """List the recipes and studies."""
    from skmnist._command_line.tables import catalogue_text

    print(catalogue_text())


def run_reproduce(options):
    """Run recipes and studies; the exit status says whether all went well."""
    from skmnist._command_line.reproduce import find_all, reproduce

    n_failed = reproduce(
        find_all(options.names),
        data=options.data,
        data_home=options.data_home,
        epochs=options.epochs,
        seeds=options.seeds,
        jobs=options.jobs,
        device=options.device,
        out=options.out,
    )
    return 1 if n_failed else 0


def run_predict(options):
    """Classify pictures; the exit status says whether all could be read."""
    from skmnist._command_line.predict import predict

    n_failed = predict(
        options.model,
        options.pictures,
        options.csv,
        paper=options.paper,
        pixels=options.pixels,
    )
    return 1 if n_failed else 0


def run_train(options):
    """Train a model on a folder of pictures."""
    from skmnist._command_line.train import train

    train(
        options.folder,
        options.out,
        estimator=options.estimator,
        device=options.device,
        epochs=options.epochs,
        seed=options.seed,
        image_shape=options.image_shape,
        mode=options.mode,
        resize=options.resize,
    )


def run_draw(options):
    """Serve the page to draw on."""
    from skmnist._command_line.draw import draw

    draw(
        options.model,
        options.port,
        options.browser,
        paper=options.paper,
        pixels=options.pixels,
    )


# -- arguments --------------------------------------------------------------------


def build_parser():
    """Describe the commands and their arguments."""
    parser = OneLineParser(
        prog="python -m skmnist",
        description="Image classifiers for scikit-learn, trained by PyTorch.",
        epilog="python -m skmnist COMMAND --help lists the arguments of a command.",
    )
    parser.add_argument(
        "--version", action="version", version=f"skmnist {skmnist.__version__}"
    )
    parser.set_defaults(data_home=None)
    commands = parser.add_subparsers(
        title="commands", dest="command", required=True, metavar="COMMAND"
    )
    add_compare(commands)
    add_recipes(commands)
    add_reproduce(commands)
    add_train(commands)
    add_predict(commands)
    add_draw(commands)
    return parser


def add_compare(commands):
    """Describe `compare`."""
    parser = commands.add_parser(
        "compare",
        help="train the linear baseline, an MLP and a convolutional net; compare them",
        description=(
            "Train the linear baseline, an MLP and a convolutional net on handwritten "
            "digits, and print how well each does on images that it has not seen."
        ),
    )
    add_data_arguments(parser)
    parser.add_argument(
        "--epochs",
        type=positive_int,
        metavar="N",
        help=(
            "passes of the networks over the training images (default: 20 with "
            "--data digits, the networks' own default with --data mnist)"
        ),
    )
    add_seed_argument(parser)
    parser.add_argument(
        "--out",
        type=output_folder,
        metavar="DIR",
        help="write the models (joblib) and a figure to this folder",
    )
    parser.set_defaults(run=run_compare)


def add_recipes(commands):
    """Describe `recipes`."""
    text = "list the networks and studies that reproduce can run"
    parser = commands.add_parser(
        "recipes",
        help=text,
        description=f"{text.capitalize()}, with the reports that they are from.",
    )
    parser.set_defaults(run=run_recipes)


def add_reproduce(commands):
    """Describe `reproduce`."""
    parser = commands.add_parser(
        "reproduce",
        help="rerun networks and studies of published reports; compare the figures",
        description=(
            "Train networks of published reports, or run their studies, and print "
            "tables: with --data mnist, the published figures, which are for MNIST, "
            "stand beside the measured ones. With --out, finished results are kept, "
            "not recomputed."
        ),
    )
    parser.add_argument(
        "names",
        nargs="+",
        metavar="NAME",
        help="a name that `python -m skmnist recipes` lists, or all",
    )
    add_data_arguments(parser)
    parser.add_argument(
        "--epochs",
        type=positive_int,
        metavar="N",
        help="passes over the training images (default: as many as in the report)",
    )
    parser.add_argument(
        "--seeds",
        type=positive_int,
        metavar="N",
        help=(
            "repeat each run with the seeds 0 to N - 1 (default: 1 run of a network, "
            "as many of a study as in the report)"
        ),
    )
    parser.add_argument(
        "--jobs",
        type=positive_int,
        default=1,
        metavar="N",
        help="runs in parallel (default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        type=output_folder,
        metavar="DIR",
        help="write tables, figures and models (joblib) to this folder",
    )
    parser.set_defaults(run=run_reproduce)


def add_train(commands):
    """Describe `train`."""
    parser = commands.add_parser(
        "train",
        help="train a model on a folder of your own pictures",
        description=(
            "Train a model on the pictures of a folder that has a subfolder for each "
            "class, and print how well it does on a fifth of them, which it has not "
            "seen. The model remembers how the pictures were prepared, so that predict "
            "does the same."
        ),
    )
    parser.add_argument(
        "folder", metavar="FOLDER", help="the folder, such as pets with pets/cat, ..."
    )
    parser.add_argument(
        "--out",
        type=model_file,
        required=True,
        metavar="FILE",
        help=(
            "write the model to this file, which ends in .joblib, and a figure beside "
            "it, which ends in .png"
        ),
    )
    parser.add_argument(
        "--estimator",
        choices=["convnet", "mlp", "linear"],
        default="convnet",
        help="what to train (default: %(default)s)",
    )
    add_preparation_arguments(parser)
    parser.add_argument(
        "--epochs",
        type=positive_int,
        metavar="N",
        help="passes over the pictures (default: by their number)",
    )
    add_seed_argument(parser)
    add_device_argument(parser)
    parser.set_defaults(run=run_train)


def add_predict(commands):
    """Describe `predict`."""
    parser = commands.add_parser(
        "predict",
        help="classify your own pictures with a saved model",
        description=(
            "Print the label of each picture (PNG, JPEG and others) and its "
            "probability. A picture of a digit is brought to what the model was "
            "trained on: turned upright, made grey, light ink on a dark ground, the "
            "ink scaled and centred as in MNIST. For a model of the command train, it "
            "is prepared as the pictures of the training were. Each line says what "
            "was done."
        ),
        epilog=(
            "The model gets the kind of pixels that it was trained on: dark digits on "
            "light paper or the reverse, of 0 to 255 or others, as skmnist's models "
            "and scikit-learn's scalers tell. Where a model does not tell, a line says "
            "what is taken, and --paper and --pixels say better."
        ),
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        help=(
            "a file written by joblib.dump (open only files you trust: they can run "
            "code), or a .skops file written by skmnist.persistence.save (no code)"
        ),
    )
    parser.add_argument(
        "pictures",
        nargs="+",
        metavar="PICTURE",
        help="a picture to classify, a folder of them, or a pattern such as '*.png'",
    )
    parser.add_argument(
        "--csv",
        type=csv_file,
        metavar="FILE",
        help="write file, label and probability to this file, which ends in .csv, too",
    )
    add_pixel_arguments(parser)
    parser.set_defaults(run=run_predict)


def add_draw(commands):
    """Describe `draw`."""
    parser = commands.add_parser(
        "draw",
        help="draw a digit in the browser and watch a model read it",
        description=(
            "Open a page, on this machine only, where you draw a digit and see live "
            "what the model sees and its probabilities. Without MODEL, the "
            "convolutional net is trained on scikit-learn's digits first."
        ),
    )
    parser.add_argument(
        "model",
        nargs="?",
        metavar="MODEL",
        help="a file as for predict (open only files you trust: they can run code)",
    )
    parser.add_argument(
        "--port",
        type=port,
        default=8000,
        metavar="N",
        help="port of the page, 0 for any free one (default: %(default)s)",
    )
    parser.add_argument(
        "--no-browser",
        dest="browser",
        action="store_false",
        help="print the address instead of opening a browser",
    )
    add_pixel_arguments(parser)
    parser.set_defaults(run=run_draw)


def add_preparation_arguments(parser):
    """Add how the pictures of a folder are brought to one form."""
    parser.add_argument(
        "--image-shape",
        type=image_shape,
        default="3x32x32",
        metavar="SHAPE",
        help="3xHEIGHTxWIDTH in colour, HEIGHTxWIDTH in grey (default: %(default)s)",
    )
    parser.add_argument(
        "--mode",
        choices=["digit", "plain"],
        help=(
            "grey pictures: whether to frame their ink as in MNIST (the default), or "
            "only to resize them, as those in colour are"
        ),
    )
    parser.add_argument(
        "--resize",
        choices=["pad", "crop"],
        help=(
            "plain and colour pictures of other proportions: whether they get a margin "
            "(the default) or lose what is outside their middle"
        ),
    )


def add_pixel_arguments(parser):
    """Add what a model was trained on, which some do not tell."""
    parser.add_argument(
        "--paper",
        choices=["light", "dark"],
        help=(
            "what the digits of the training were on: dark ink on light paper, or "
            "light ink on a dark ground (default: as the model tells, else dark)"
        ),
    )
    parser.add_argument(
        "--pixels",
        type=positive_int,
        metavar="N",
        help=(
            "the highest pixel of the training, such as 1 or 255 (default: as the "
            "model tells, else 255)"
        ),
    )


def add_seed_argument(parser):
    """Add where randomness begins."""
    parser.add_argument(
        "--seed",
        type=seed,
        default=0,
        metavar="N",
        help="random seed (default: %(default)s)",
    )


def add_data_arguments(parser):
    """Add what the commands that train have in common."""
    parser.add_argument(
        "--data",
        choices=["digits", "mnist"],
        default="digits",
        help=(
            "the 1,797 digits that come with scikit-learn, or the 70,000 of MNIST "
            "(default: %(default)s)"
        ),
    )
    parser.add_argument(
        "--data-home",
        metavar="DIR",
        help=(
            "folder of the MNIST files, which are downloaded to it if they are "
            "missing (default: $SKMNIST_DATA, or ~/skmnist_data)"
        ),
    )
    add_device_argument(parser)


def add_device_argument(parser):
    """Add what a network runs on."""
    parser.add_argument(
        "--device",
        default="auto",
        help=(
            "auto (the best that there is), cpu, cuda, cuda:1 or mps (default: "
            "%(default)s)"
        ),
    )


def main(arguments=None):
    """Run a command; wrong arguments end in one line and exit status 2."""
    parser = build_parser()
    try:
        try:
            options = parser.parse_args(arguments)
            if options.data_home is not None and options.data != "mnist":
                parser.error("argument --data-home: requires --data mnist")
            return options.run(options) or 0
        finally:
            # A reader who has left is met here, not when Python exits.
            print(end="", flush=True)
    except BrokenPipeError:
        return leave_silently()
    except OSError as error:
        parser.error(f"{error.filename}: {error.strerror}" if error.filename else error)
    except (ImportError, ValueError) as error:
        parser.error(error)
    except KeyboardInterrupt:
        # The shell's own status for a process that Ctrl-C ended.
        return 130


def leave_silently():
    """Give up standard output, which nobody reads any more (`| head`)."""
    # Python's documentation, "Note on SIGPIPE": what is still to be written would
    # raise once more when Python exits.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    # The shell's own status for a process that a closed pipe ended.
    return 141


if __name__ == "__main__":
    # A terminal of another encoding (cp1252, ASCII) gets escapes for what it lacks:
    # the results of finished work are not to be lost by printing them.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())
