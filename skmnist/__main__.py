"""The command line: `python -m skmnist`. Only reads arguments, and imports late."""

import argparse
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
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {text}")
    return value


def seed(text):
    """Read an int that scikit-learn takes for a random_state."""
    value = int(text)
    if not 0 <= value < 2**32:
        raise argparse.ArgumentTypeError(f"must be between 0 and 2**32 - 1, got {text}")
    return value


def output_folder(text):
    """Make a folder that can be written to."""
    folder = Path(text)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise argparse.ArgumentTypeError(
            f"cannot make the folder {text}: {error.strerror}"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise argparse.ArgumentTypeError(f"cannot write to the folder {text}")
    return folder


def build_parser():
    """Describe the commands and their arguments."""
    parser = OneLineParser(
        prog="python -m skmnist",
        description="Image classifiers for scikit-learn, trained by PyTorch.",
    )
    parser.add_argument(
        "--version", action="version", version=f"skmnist {skmnist.__version__}"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    compare = commands.add_parser(
        "compare",
        help="train the linear baseline, an MLP and a convolutional net; compare them",
        description=(
            "Train the linear baseline, an MLP and a convolutional net on handwritten "
            "digits, and print how well each does on images that it has not seen."
        ),
    )
    compare.add_argument(
        "--data",
        choices=["digits", "mnist"],
        default="digits",
        help=(
            "the 1,797 digits that come with scikit-learn, or the 70,000 of MNIST "
            "(default: %(default)s)"
        ),
    )
    compare.add_argument(
        "--data-home",
        metavar="DIR",
        help="where the MNIST files are or go (default: $SKMNIST_DATA, ~/skmnist_data)",
    )
    compare.add_argument(
        "--device",
        default="auto",
        help="auto, cpu, cuda, cuda:1, mps (default: %(default)s)",
    )
    compare.add_argument(
        "--epochs",
        type=positive_int,
        metavar="N",
        help=(
            "passes over the training images (default: 20 over digits, the "
            "estimators' own over mnist)"
        ),
    )
    compare.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="default: %(default)s"
    )
    compare.add_argument(
        "--out",
        type=output_folder,
        metavar="DIR",
        help="write the fitted models (joblib) and a figure (PNG) to this folder",
    )
    return parser


def main(arguments=None):
    """Run a command; wrong arguments end in one line and exit status 2."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.data_home is not None and options.data != "mnist":
        parser.error("argument --data-home: only goes with --data mnist")
    from skmnist._compare import compare

    try:
        compare(
            data=options.data,
            data_home=options.data_home,
            device=options.device,
            epochs=options.epochs,
            seed=options.seed,
            out=options.out,
        )
    except (ImportError, OSError, ValueError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        # The shell's own status for a process that Ctrl-C ended.
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
