"""How the site is built: ``python -m sphinx -W --keep-going docs docs/_build/html``."""

import re
import sys
import warnings
from pathlib import Path

# The gallery looks up every name that an example uses; scikit-learn's halving search
# raises an ImportError without this.
from sklearn.experimental import enable_halving_search_cv  # noqa: F401

import skmnist
from skmnist._estimators.documentation import DocumentedOnSite

sys.path.insert(0, str(Path(__file__).parent))  # gallery_order

project = "skmnist"
author = "The skmnist developers"
copyright = author
version = release = skmnist.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "myst_parser",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "auto_examples/**/*.ipynb", "auto_examples/**/*.py"]
templates_path = ["_templates"]
# `fit` in a docstring is a link where there is such a name, and plain code elsewhere.
default_role = "py:obj"
smartquotes = False  # values of parameters are to be copied as they stand
toc_object_entries_show_parents = "hide"

# GitHub's anchors, which the generated page of reports links to.
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]

autodoc_typehints = "none"  # numpydoc's Parameters say more
numpydoc_show_class_members = False  # the template of a class lists them

# What is inherited from scikit-learn refers to its glossary and to its pages.
suppress_warnings = ["ref.term", "ref.ref"]

html_theme = "pydata_sphinx_theme"
html_title = "skmnist"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"show_prev_next": True, "navigation_depth": 2}

# From an estimator on a page of the gallery to the reference on this site.
DocumentedOnSite._doc_link_template = (
    "../../generated/{estimator_module}.{estimator_name}.html"
)
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("skmnist",),
    # Estimators look as they do in a notebook; all else is printed.
    "capture_repr": ("_repr_html_",),
    # A class here could not be pickled with the settings, which is a warning.
    "within_subsection_order": "gallery_order.GalleryOrder",
    "subsection_order": "gallery_order.group_order",
    # Its table takes scripts from other servers.
    "write_computation_times": False,
    "download_all_examples": False,
    "show_signature": False,
}
warnings.filterwarnings("ignore", message=".*is non-interactive", category=UserWarning)

# The pages are read in the repository too, where links lead to files that are other
# pages here.
PAGES_OF_FILES = {
    r"\.\./examples/": "auto_examples/index.rst",
    r"\.\./examples/(\w+/plot_\w+)\.py": r"auto_examples/\1.rst",
    r"\.\./benchmarks/(RESULTS|README)\.md": "benchmarks.md",
    r"\.\./CHANGELOG\.md": "changelog.md",
}


def link_to_pages(app, docname, source):
    """Let links to files of the repository lead to their pages on the site."""
    for file, page in PAGES_OF_FILES.items():
        source[0] = re.sub(rf"\]\({file}\)", f"]({page})", source[0])


def setup(app):
    """Register what is ours."""
    app.connect("source-read", link_to_pages)
