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
    """Read a folder that can be written to, or made; it is made when it is needed."""
    folder = there = Path(text)
    while not os.path.lexists(there):
        there = there.parent
    if not there.is_dir():
        raise argparse.ArgumentTypeError(
            f"cannot make the folder {text}: {there} is no folder"
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise argparse.ArgumentTypeError(f"cannot write to the folder {there}")
    return folder


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
        help="where the MNIST files are or go (default: $SKMNIST_DATA, ~/skmnist_data)",
    )
    parser.add_argument(
        "--device",
        default="auto",
        help="auto, cpu, cuda, cuda:1, mps (default: %(default)s)",
    )
    parser.add_argument(
        "--epochs",
        type=positive_int,
        metavar="N",
        help=(
            "passes over the training images (default: those of the report; in "
            "compare 20 over digits, the estimators' own over mnist)"
        ),
    )
    parser.add_argument(
        "--out",
        type=output_folder,
        metavar="DIR",
        help="write models (joblib), tables and figures to this folder",
    )


def run_compare(options):
    """Train the three estimators and compare them."""
    from skmnist._compare import compare

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
    from skmnist._tables import catalogue_text

    print(catalogue_text())


def run_reproduce(options):
    """Run recipes and studies; the exit status says whether all went well."""
    from skmnist._reproduce import find_all, reproduce

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
    """Predict pictures."""
    from skmnist._predict import predict

    predict(options.model, options.pictures)


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
    add_data_arguments(compare)
    compare.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="default: %(default)s"
    )
    compare.set_defaults(run=run_compare)

    recipes = commands.add_parser(
        "recipes",
        help="list the networks and studies of the published reports",
        description="List the networks and studies of the published reports, by name.",
    )
    recipes.set_defaults(run=run_recipes, data=None, data_home=None)

    reproduce = commands.add_parser(
        "reproduce",
        help="train networks of the published reports; set their figures beside ours",
        description=(
            "Train networks of the published reports, or run their studies, and print "
            "their tables with the published figures beside the measured ones. With "
            "--out, what is done already is not done again."
        ),
    )
    reproduce.add_argument(
        "names", nargs="+", metavar="NAME", help="a name that `recipes` lists, or all"
    )
    add_data_arguments(reproduce)
    reproduce.add_argument(
        "--seeds",
        type=positive_int,
        metavar="N",
        help=(
            "runs of each, with the seeds 0 to N - 1 (default: 1 of a network, as many "
            "as the report had in a study)"
        ),
    )
    reproduce.add_argument(
        "--jobs",
        type=positive_int,
        default=1,
        metavar="N",
        help="runs at a time (default: %(default)s)",
    )
    reproduce.set_defaults(run=run_reproduce)

    predict = commands.add_parser(
        "predict",
        help="say what is in pictures of your own, by a model in a file",
        description=(
            "Print label and probability for pictures (PNG, JPEG and others). They are "
            "brought to what the model was trained on: greyed, light ink on a dark "
            "ground, the ink scaled and centred as MNIST's is; what was done is said."
        ),
    )
    predict.add_argument(
        "model",
        metavar="MODEL",
        help=(
            "a file of joblib.dump (open your own only: they may hold code), or a "
            ".skops file of skmnist.persistence.save (without code)"
        ),
    )
    predict.add_argument("pictures", nargs="+", metavar="PICTURE")
    predict.set_defaults(run=run_predict, data=None, data_home=None)
    return parser


def main(arguments=None):
    """Run a command; wrong arguments end in one line and exit status 2."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.data_home is not None and options.data != "mnist":
        parser.error("argument --data-home: only goes with --data mnist")
    try:
        return options.run(options) or 0
    except (ImportError, OSError, ValueError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        # The shell's own status for a process that Ctrl-C ended.
        return 130


if __name__ == "__main__":
    sys.exit(main())
