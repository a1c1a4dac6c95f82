"""Where the site documents a class: the links of HTML representations."""

from importlib.metadata import metadata


def find_site():
    """The site's address, from the package's metadata; "" where they have none."""
    urls = metadata("skmnist").get_all("Project-URL", [])
    return dict(url.split(", ", 1) for url in urls).get("Documentation", "")


class DocumentedOnSite:
    """A mixin before `BaseEstimator`: parameters link to the site's API reference."""

    _doc_link_module = "skmnist"
    _doc_link_template = (
        f"{site}/generated/{{estimator_module}}.{{estimator_name}}.html"
        if (site := find_site().rstrip("/"))
        else ""
    )
