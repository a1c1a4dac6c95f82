"""Where the site documents a class: the links of HTML representations."""

from importlib.metadata import PackageNotFoundError, metadata


def find_page():
    """The address of a class's page, by the site that the package's metadata name.

    scikit-learn fills in ``estimator_module`` and ``estimator_name``. "" without a
    site, which is no links, and in a checkout that is not installed.
    """
    try:
        urls = metadata("skmnist").get_all("Project-URL", [])
    except PackageNotFoundError:
        return ""
    site = dict(url.split(", ", 1) for url in urls).get("Documentation", "")
    page = "/generated/{estimator_module}.{estimator_name}.html"
    return site.rstrip("/") + page if site else ""


class DocumentedOnSite:
    """A mixin before `BaseEstimator`: parameters link to the site's API reference."""

    _doc_link_module = "skmnist"
    _doc_link_template = find_page()
