"""Results to draw, and what is read off a drawing."""

import numpy as np

NAN = float("nan")


def make_cv_results(scores, **params):
    columns = {f"param_{name}": values for name, values in params.items()}
    scores = np.asarray(scores, dtype=float)
    return {**columns, "mean_test_score": scores, "std_test_score": 0 * scores + 0.01}


def titles_of(display):
    return [image.axes.get_title() for image in display.images_]
