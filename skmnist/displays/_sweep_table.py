"""A search's table of candidates, brought to the scores of one parameter or two."""

import math
import re
from numbers import Real

import numpy as np


def read_sweep(cv_results, param, hue, score, score_name):
    """What `ParameterSweepDisplay` stores, from the columns of ``cv_results_``."""
    if score not in cv_results:
        scores = [key for key in cv_results if key.startswith("mean_")]
        raise ValueError(
            f"Expected a column of cv_results as score, one of {scores}. Got {score!r}."
        )
    columns = {
        key.removeprefix("param_"): _read_values(cv_results, key)
        for key in cv_results
        if key.startswith("param_")
    }
    param, hue = _find_params(columns, param, hue)
    means = np.asarray(cv_results[score], dtype=float)
    stds = 0 * means
    if score.startswith("mean_"):
        stds = np.asarray(cv_results.get(score.replace("mean", "std", 1), stds))
    columns[None] = [None] * len(means)  # the hue where there is none
    values, hues = _distinct(columns[param]), _distinct(columns[hue])
    mean, std = np.full((2, len(hues), len(values)), np.nan)
    failed = np.zeros(mean.shape, dtype=bool)
    # Worst first, so that the best of a cell is written last.
    for i in np.argsort(np.nan_to_num(means, nan=-np.inf), kind="stable"):
        value, hue_value = repr(columns[param][i]), repr(columns[hue][i])
        if value in values and hue_value in hues:
            cell = list(hues).index(hue_value), list(values).index(value)
            mean[cell], std[cell] = means[i], stds[i]
            failed[cell] = np.isnan(means[i])
    return dict(
        param=param,
        values=list(values.values()),
        mean=mean,
        std=std,
        failed=failed,
        hue=hue,
        hue_values=list(hues.values()),
        score_name=score_name or _name_score(score, means),
    )


def _find_params(columns, param, hue):
    """Find which parameters to draw: those given, or those that were varied."""
    for name in (param, hue):
        if name is not None and name not in columns:
            raise ValueError(
                f"Expected a parameter that was searched, one of {list(columns)}. Got "
                f"{name!r}."
            )
    if param is not None:
        return param, hue
    varied = [n for n in columns if n != hue and len(_distinct(columns[n])) > 1]
    if len(varied) == 2 and hue is None:
        return tuple(varied)
    if len(varied) == 1:
        return varied[0], hue
    raise ValueError(
        f"Expected one varied parameter, or two. Got {varied}: pass param, and hue "
        "for a second one."
    )


def _distinct(column):
    """Find the different values of a column by their repr, numbers in order."""
    # Not by the values themselves: dicts and lists, which they may be, have no hash.
    values = {repr(value): value for value in column if value is not np.ma.masked}
    if all_numbers(values.values()):
        return dict(sorted(values.items(), key=lambda item: item[1]))
    return values


def _read_values(cv_results, key):
    """Read a parameter's values, masked for candidates of a grid without it."""
    values = [
        value.item() if isinstance(value, np.generic) else value
        for value in cv_results[key]
    ]
    if not hasattr(cv_results, "columns"):
        return values
    # In a frame NaN stands for what was masked in the search.
    return [
        np.ma.masked if isinstance(value, float) and math.isnan(value) else value
        for value in values
    ]


def _name_score(score, means):
    known = means[~np.isnan(means)]
    if score == "mean_test_score" and np.all((known >= 0) & (known <= 1)):
        return "Accuracy"
    return to_words(score)


def to_words(score):
    """Write scikit-learn's name of a score in words."""
    name = score.removeprefix("mean_").removeprefix("test_")
    name = re.sub("^neg_", "negative_", name)
    name = re.sub("time$", "time (s)", name).replace("_", " ")
    return name[:1].upper() + name[1:]


def all_numbers(values):
    return all(isinstance(v, Real) and not isinstance(v, bool) for v in values)
