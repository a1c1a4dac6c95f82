"""Links from an estimator's HTML representation to its documentation."""

import html
import inspect
import os
import re
import subprocess
import sys
from urllib.parse import unquote

import pytest

import skmnist
from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist._estimators.documentation import DocumentedOnSite
from skmnist.model_selection import BatchedGridSearchCV, BatchedRandomizedSearchCV

DOCUMENTED = {
    "skmnist.LinearClassifier": LinearClassifier(),
    "skmnist.MLPClassifier": MLPClassifier(),
    "skmnist.ConvNetClassifier": ConvNetClassifier(),
    "skmnist.model_selection.BatchedGridSearchCV": BatchedGridSearchCV(
        LinearClassifier(), {}
    ),
    "skmnist.model_selection.BatchedRandomizedSearchCV": BatchedRandomizedSearchCV(
        LinearClassifier(), {}
    ),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_parameter_links_to_its_line_in_the_reference(name, monkeypatch):
    pytest.importorskip("sklearn", "1.8", reason="links began in scikit-learn 1.8")
    page = "https://example.org/{estimator_module}.{estimator_name}.html"
    monkeypatch.setattr(DocumentedOnSite, "_doc_link_template", page)
    estimator = DOCUMENTED[name]
    links = re.findall(
        rf'href="https://example\.org/{re.escape(name)}\.html#:~:text=(\w+),-([^"]+)"',
        html.unescape(estimator._repr_html_()),
    )
    assert {parameter for parameter, _ in links} == set(
        estimator.get_params(deep=False)
    )
    reference = inspect.getdoc(type(estimator)).replace("`", "").splitlines()
    for parameter, kind in links:
        assert f"{parameter} : {unquote(kind)}" in reference
        # A hyphen in a type would cut the link's text short, and find nothing.
        assert "-" not in kind


def link_of_an_estimator(folder, *urls):
    """What a process says that finds these metadata of the package first."""
    info = folder / f"skmnist-{skmnist.__version__}.dist-info"
    info.mkdir()
    fields = [
        "Metadata-Version: 2.4",
        "Name: skmnist",
        f"Version: {skmnist.__version__}",
        *(f"Project-URL: {url}" for url in urls),
    ]
    (info / "METADATA").write_text("\n".join(fields) + "\n")
    script = "import skmnist; print(skmnist.LinearClassifier()._get_doc_link())"
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_the_site_is_the_one_of_the_metadata(tmp_path):
    urls = "Source, https://example.org/code", "Documentation, https://example.org/doc/"
    page = "https://example.org/doc/generated/skmnist.LinearClassifier.html"
    assert link_of_an_estimator(tmp_path, *urls) == page


def test_there_is_no_link_without_a_site(tmp_path):
    assert link_of_an_estimator(tmp_path) == ""
