"""Models that MLflow keeps come back as they were, without pickle."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmnist import ConvLayer, ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist.persistence import TRUSTED_TYPES

mlflow = pytest.importorskip("mlflow", reason="needs the extra 'test-downstream'")

pytestmark = [
    pytest.mark.downstream,
    # MLflow's own, and what it says of schemas without missing values.
    pytest.mark.filterwarnings("ignore"),
]

NET = MLPClassifier((8,), max_epochs=2, random_state=0)
MODELS = {
    "mlp": NET,
    "conv": ConvNetClassifier((ConvLayer(4, 5), 4), (), max_epochs=2, random_state=0),
    "linear": LinearClassifier(tol=0.1),
    "Pipeline": make_pipeline(StandardScaler(), NET),
    "search": GridSearchCV(NET, {"lr": [0.1, 0.01]}, cv=2, scoring="f1_macro"),
    "calibrated": CalibratedClassifierCV(NET, cv=2),
}


@pytest.fixture(scope="module")
def tracking(tmp_path_factory):
    """A tracking server's data base and files in a folder of their own."""
    folder = tmp_path_factory.mktemp("mlflow")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.create_experiment("digits", artifact_location=folder.as_uri())
    mlflow.set_experiment("digits")
    yield folder
    mlflow.set_tracking_uri(before)


@pytest.mark.parametrize("name", MODELS)
def test_a_logged_model_comes_back_with_our_list_of_types(name, few, tracking):
    X, X_test, y, _ = few
    X, X_test = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)
    model = MODELS[name].fit(X, y)
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            serialization_format="skops",
            skops_trusted_types=list(TRUSTED_TYPES),
        )
    loaded = mlflow.sklearn.load_model(logged.model_uri)
    assert type(loaded) is type(model)
    expected = model.predict_proba(X_test)
    np.testing.assert_array_equal(loaded.predict_proba(X_test), expected)
    # As it is served.
    served = mlflow.pyfunc.load_model(logged.model_uri).predict(X_test)
    np.testing.assert_array_equal(served, model.predict(X_test))
    (written,) = tracking.rglob(f"{logged.model_id}/**/model.skops")
    assert written.read_bytes().startswith(b"PK")


def test_without_the_list_the_types_are_refused(few, tracking):
    X, _, y, _ = few
    with (
        pytest.raises(mlflow.exceptions.MlflowException, match="MLPClassifier"),
        mlflow.start_run(),
    ):
        mlflow.sklearn.log_model(
            NET.fit(X, y), name="model", serialization_format="skops"
        )
