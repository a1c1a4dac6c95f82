"""Reports of skore on the networks."""

import pytest
from sklearn.metrics import accuracy_score, log_loss

from skmnist import ConvNetClassifier

skore = pytest.importorskip("skore", reason="needs the extra 'test-downstream'")

pytestmark = pytest.mark.downstream


def test_report_of_a_fitted_network_has_scikit_learns_figures(small):
    X, X_test, y, y_test = small
    clf = ConvNetClassifier((8,), (), max_epochs=5, random_state=0).fit(X, y)
    report = skore.EstimatorReport(clf, X_test=X_test, y_test=y_test)
    assert report.metrics.accuracy() == accuracy_score(y_test, clf.predict(X_test))
    expected = log_loss(y_test, clf.predict_proba(X_test))
    assert report.metrics.log_loss() == pytest.approx(expected)
    assert "accuracy" in report.metrics.summarize().frame().index


def test_cross_validation_report_fits_on_images(small):
    X, _, y, _ = small
    clf = ConvNetClassifier((8,), (), max_epochs=3, random_state=0)
    report = skore.CrossValidationReport(clf, X, y, splitter=3)
    assert len(report.reports_) == 3
