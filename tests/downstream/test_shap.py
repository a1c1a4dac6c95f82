"""Attributions of shap through the torch module."""

import numpy as np
import pytest
import torch

from skmnist import ConvNetClassifier, MLPClassifier

shap = pytest.importorskip("shap", reason="needs the extra 'test-downstream'")

pytestmark = [
    pytest.mark.downstream,
    # Of shap 0.51 with NumPy 2.
    pytest.mark.filterwarnings("default:__array_wrap__:DeprecationWarning"),
]


@pytest.fixture(scope="module", params=[MLPClassifier, ConvNetClassifier])
def explained(request, small):
    """A fitted network, its background images and five to explain."""
    X, X_test, y, _ = small
    clf = request.param(max_epochs=3, random_state=0).fit(X, y)
    background, images = (
        torch.from_numpy(A[:, None]).float() for A in (X[:50], X_test[:5])
    )
    return clf.module_, background, images


def moved(module, background, images):
    """By how much the logits of images differ from the background's mean."""
    with torch.no_grad():
        return (module(images) - module(background).mean(0)).numpy()


def test_deep_explainer_sums_to_the_difference_of_logits(explained):
    module, background, images = explained
    values = shap.DeepExplainer(module, background).shap_values(images)
    assert values.shape == (5, 1, 28, 28, 10)
    np.testing.assert_allclose(
        values.sum((1, 2, 3)), moved(*explained), rtol=1e-3, atol=1e-3
    )


def test_gradient_explainer_sums_to_about_the_difference_of_logits(explained):
    module, background, images = explained
    explainer = shap.GradientExplainer(module, background)
    values = explainer.shap_values(images, nsamples=200, rseed=0)
    assert values.shape == (5, 1, 28, 28, 10)
    expected = moved(*explained)
    assert np.corrcoef(values.sum((1, 2, 3)).ravel(), expected.ravel())[0, 1] > 0.95


def test_permutation_explainer_takes_predict_proba_of_flat_rows(small):
    X, X_test, y, _ = small
    X, X_test = (A[:, ::4, ::4].reshape(len(A), -1) for A in (X, X_test))
    clf = ConvNetClassifier((4,), (), max_epochs=3, random_state=0).fit(X, y)
    explainer = shap.PermutationExplainer(clf.predict_proba, X[:20], seed=0)
    explanation = explainer(X_test[:2])
    assert explanation.values.shape == (2, 49, 10)
    np.testing.assert_allclose(
        explanation.values.sum(1),
        clf.predict_proba(X_test[:2]) - clf.predict_proba(X[:20]).mean(0),
        atol=1e-5,
    )
