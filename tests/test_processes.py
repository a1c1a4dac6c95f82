"""Forked and new processes: what was trained or loaded before works in them."""

import os
import subprocess
import sys
import textwrap

import joblib
import pytest

from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier

SECONDS = 300  # a process that hangs is ended after them, which is a failure

PROLOGUE = """
import multiprocessing as mp
import os
import sys

import joblib
from sklearn.model_selection import GridSearchCV

from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist.datasets import load_digits28

X, X_test, y, y_test = load_digits28(split=True)
X, y = X[:300], y[:300]


def fit(clf):
    clf.fit(X, y).score(X_test, y_test)


def predict(clf):
    clf.predict(X_test)
    clf.score(X_test, y_test)


def run(context, work, clf):
    child = mp.get_context(context).Process(target=work, args=(clf,))
    child.start()
    child.join()
    assert child.exitcode == 0, child.exitcode
"""


def run_script(tmp_path, body, *arguments):
    """Run a program of its own, as users do; it fails when it hangs."""
    script = tmp_path / "program.py"
    guarded = textwrap.indent(textwrap.dedent(body), "    ")
    script.write_text(f"{PROLOGUE}\n\nif __name__ == '__main__':\n{guarded}\n")
    # Threads enough to hang, on a machine of any size.
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    process = subprocess.run(
        [sys.executable, "-W", "ignore", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=environment,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


CONTEXTS = ["fork", "forkserver", "spawn"] if hasattr(os, "fork") else ["spawn"]
FORKS = pytest.mark.skipif("fork" not in CONTEXTS, reason="needs a system that forks")


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_process_fits_and_predicts_after_a_fit_in_its_parent(context, tmp_path):
    body = """
        for clf in (
            MLPClassifier(max_epochs=2, random_state=0),
            ConvNetClassifier((8,), (), max_epochs=1, random_state=0),
            LinearClassifier(C=0.01),
        ):
            clf.fit(X, y)
            for work in (predict, fit):
                run(sys.argv[1], work, clf)
        print("done")
    """
    assert run_script(tmp_path, body, context) == "done\n"


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_process_predicts_with_what_its_parent_only_loaded(context, few, tmp_path):
    X, _, y, _ = few
    makes = MLPClassifier, ConvNetClassifier, LinearClassifier
    paths = [tmp_path / f"{make.__name__}.joblib" for make in makes]
    for make, path in zip(makes, paths, strict=True):
        joblib.dump(make().fit(X[:60], y[:60]), path)
    body = """
        for path in sys.argv[2:]:
            run(sys.argv[1], predict, joblib.load(path))
        print("done")
    """
    assert run_script(tmp_path, body, context, *paths) == "done\n"


@FORKS
@pytest.mark.parametrize(
    "work",
    [
        # Of two threads one has the pool that the fork left behind.
        "clf.predict, X_test",
        "clf.fit, X, y",
    ],
)
def test_all_threads_of_a_forked_process_may_work(work, tmp_path):
    body = f"""
        import threading

        clf = MLPClassifier((500, 300), max_epochs=1, random_state=0).fit(X, y)


        def work_twice(_):
            method, *data = {work}
            thread = threading.Thread(target=method, args=data)
            thread.start()
            thread.join()
            method(*data)


        run("fork", work_twice, clf)
        print("done")
    """
    assert run_script(tmp_path, body) == "done\n"


@FORKS
@pytest.mark.parametrize("method", ["predict", "predict_proba", "forward"])
def test_the_net_predicts_in_a_forked_process(method, tmp_path):
    body = """
        import torch

        clf = MLPClassifier((500, 300), max_epochs=1, random_state=0).fit(X, y)
        images = torch.tensor(X_test[:, None])
        run("fork", getattr(clf.net_, sys.argv[1]), images)
        print("done")
    """
    assert run_script(tmp_path, body, method) == "done\n"


@FORKS
def test_a_forked_process_trains_the_model_of_one_thread_bit_for_bit(tmp_path):
    body = """
        import torch

        clf = MLPClassifier((500, 300), max_epochs=1, random_state=0).fit(X, y)
        path = sys.argv[1]


        def fit_and_dump(clf):
            joblib.dump(clf.fit(X, y).predict_proba(X_test), path)


        run("fork", fit_and_dump, clf)
        torch.set_num_threads(1)
        print((clf.fit(X, y).predict_proba(X_test) == joblib.load(path)).all())
    """
    assert run_script(tmp_path, body, tmp_path / "probabilities") == "True\n"


@FORKS
def test_a_search_in_forked_workers_gives_the_scores_of_one_process(tmp_path):
    body = """
        search = GridSearchCV(
            MLPClassifier(max_epochs=2, random_state=0),
            {"lr": [1e-3, 1e-2]},
            cv=2,
        )
        alone = search.fit(X, y).cv_results_["mean_test_score"]
        with joblib.parallel_config("multiprocessing"):
            search.set_params(n_jobs=2).fit(X, y)
        print(abs(alone - search.cv_results_["mean_test_score"]).max() < 0.02)
    """
    assert run_script(tmp_path, body) == "True\n"


@FORKS
def test_a_server_may_load_a_model_before_it_forks_its_workers(few, tmp_path):
    X, _, y, _ = few
    path = tmp_path / "model.joblib"
    joblib.dump(MLPClassifier(random_state=0).fit(X, y), path)
    body = """
        import json
        import socketserver
        import urllib.request
        from http.server import BaseHTTPRequestHandler

        clf = joblib.load(sys.argv[1])
        expected = clf.predict(X_test).tolist()


        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                answer = json.dumps(clf.predict(X_test).tolist()).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args):
                pass


        # One process for each request, forked from the one that has loaded the model.
        with socketserver.ForkingTCPServer(("127.0.0.1", 0), Handler) as server:
            import threading

            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_address[1]}/"
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            for _ in range(3):
                with opener.open(url, timeout=60) as reply:
                    assert json.load(reply) == expected
            server.shutdown()
        print("done")
    """
    assert run_script(tmp_path, body, path) == "done\n"
