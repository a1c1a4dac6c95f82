"""LinearClassifier: scikit-learn's logistic regression behind the image input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from skmnist._estimators import rules
from skmnist._estimators.documentation import DocumentedOnSite
from skmnist._estimators.failed_fits import unchanged_on_failure
from skmnist._estimators.flat_parameters import FlatParameters
from skmnist._estimators.image_checks import check_images
from skmnist._estimators.image_shapes import find_image_shape
from skmnist._estimators.label_checks import (
    check_sample_weight,
    encode_labels,
    find_classes,
    loss_weights,
)
from skmnist._estimators.pickling import VersionedPickle
from skmnist._estimators.pixel_range import remember_pixels, warn_of_other_pixels
from skmnist._estimators.scaling import find_pixel_scaling, scale_pixels
from skmnist._estimators.seeds import draw_seed
from skmnist._estimators.task_callbacks import (
    CallbackSupportMixin,
    callback_data,
    with_callbacks,
)
from skmnist._public import public

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from skmnist._typing import ClassWeight, PixelScaling, RandomState

    Solver = Literal["lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"]


@public
class LinearClassifier(
    CallbackSupportMixin,
    ClassifierMixin,
    VersionedPickle,
    DocumentedOnSite,
    FlatParameters,
    BaseEstimator,
):
    """Logistic regression on pixels, the baseline of every comparison.

    scikit-learn's `LogisticRegression`, which takes the images, labels and weights
    that the networks take.

    Parameters
    ----------
    C : float, default=1.0
        Inverse of the strength of the L2 penalty; ``numpy.inf`` for none.
    solver : str, default="lbfgs"
        The algorithm that minimises the loss: "lbfgs", "newton-cg",
        "newton-cholesky", "sag" or "saga".
    tol : float, default=0.0001
        Tolerance on the gradient at which the solver stops.
    max_iter : int, default=100
        Iterations after which it stops in any case, with a ConvergenceWarning.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the loss; they multiply with ``sample_weight``.
    pixel_scaling : {"standard", "unit", "symmetric"} or None, default="unit"
        What is done to pixels, channel by channel: mean 0 and standard deviation
        1; the training images' lowest and highest pixel to 0 and 1; to -1 and 1;
        nothing.
    precision : {"float32", "float64"}, default="float32"
        Precision of the computation. The solver needs a copy of all images in it.
    random_state : int, RandomState instance or None, default=None
        Used by "sag" and "saga", which go through the images in random order.
    verbose : int or bool, default=0
        With 1 or more, the solver prints.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Coefficients of the scaled pixels; one row where there are two classes.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts.
    n_features_in_ : int
        Pixels per image, all channels together.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, where ``X`` was a data frame with names of type str.
    image_shape_ : tuple (channels, height, width)
        The shape of an image.
    n_parameters_ : int
        The number of coefficients and intercepts.
    n_iter_ : ndarray of shape (1,)
        Iterations of the solver.
    estimator_ : sklearn.linear_model.LogisticRegression
        The fitted estimator, which takes scaled flat pixels.

    See Also
    --------
    MLPClassifier : Hidden layers between pixels and classes.
    ConvNetClassifier : Convolution layers first.
    ModuleClassifier : Any torch module of your own.

    Examples
    --------
    >>> from skmnist import LinearClassifier
    >>> from skmnist.datasets import load_digits28
    >>> X_train, X_test, y_train, y_test = load_digits28(split=True)
    >>> clf = LinearClassifier().fit(X_train, y_train)
    >>> clf.score(X_test, y_test) > 0.9
    True
    """

    classes_: np.ndarray
    image_shape_: tuple[int, int, int]
    n_features_in_: int
    feature_names_in_: np.ndarray

    _rules = {
        "C": rules.number("a positive float", low=0, low_open=True, infinite=True),
        "solver": rules.one_of("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"),
        "tol": rules.POSITIVE_FLOAT,
        "max_iter": rules.POSITIVE_INT,
        "class_weight": rules.CLASS_WEIGHT,
        "pixel_scaling": rules.PIXEL_SCALING,
        "precision": rules.one_of("float32", "float64"),
        "random_state": rules.RANDOM_STATE,
        "verbose": rules.VERBOSITY,
    }

    def __init__(
        self,
        C: float = 1.0,
        *,
        solver: Solver = "lbfgs",
        tol: float = 1e-4,
        max_iter: int = 100,
        class_weight: ClassWeight = None,
        pixel_scaling: PixelScaling = "unit",
        precision: Literal["float32", "float64"] = "float32",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.C = C
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.class_weight = class_weight
        self.pixel_scaling = pixel_scaling
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Fit the coefficients to images and their labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), \
                (n_samples, height, width) or (n_samples, channels, height, width)
            Images, in any real dtype.
            Channels may come last where the last side is 1 or 3 and the second is
            not.
        y : array-like of shape (n_samples,)
            Labels: ints, strings or bools, of at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights in the loss, not negative. A zero is the same as leaving the
            row out, an integer the same as repeating it.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            For a parameter or an array that is not as documented, or data of a
            single class.
        """
        rules.check_parameters(self, self._rules)
        fit_task = self._init_callback_context(max_subtasks=1)
        data = callback_data(X, y, sample_weight)
        fit_task.call_on_fit_task_begin(estimator=self, **data)
        with unchanged_on_failure(self):
            pixels, own_shape, labels = check_images(self, X, y, reset=True)
            remember_pixels(self, pixels)
            weights = check_sample_weight(sample_weight, len(labels))
            if weights is not None and not weights.all():
                rows = np.flatnonzero(weights)
                pixels, labels, weights = pixels[rows], labels[rows], weights[rows]
            self.classes_ = find_classes(self, labels)
            self.image_shape_ = find_image_shape(self, pixels.shape[1], own_shape)
            self._scaling = find_pixel_scaling(
                self.pixel_scaling, pixels, self.image_shape_[0], weights=weights
            )
            # For its errors: scikit-learn's own speak of positions and divisions.
            positions = encode_labels(labels, self.classes_)
            loss_weights(self.class_weight, self.classes_, positions, weights)
            solving = fit_task.subcontext("solve")
            self._solve(pixels, labels, weights, solving, data)
            solving.call_on_fit_task_end(estimator=self, **data)
        fit_task.call_on_fit_task_end(
            estimator=self, **data, reconstruction_attributes={}
        )
        return self

    def _solve(self, pixels, labels, weights, solving, data):
        """Fit scikit-learn's estimator, in the precision asked for."""
        self.estimator_ = LogisticRegression(
            C=self.C,
            solver=self.solver,
            tol=self.tol,
            max_iter=self.max_iter,
            class_weight=self.class_weight,
            random_state=draw_seed(self.random_state),
            verbose=self.verbose,
        )
        with solving.propagate_callback_context(self.estimator_):
            solving.call_on_fit_task_begin(estimator=self, **data)
            self.estimator_.fit(
                self._scaled(pixels, self.precision), labels, sample_weight=weights
            )
        # Before scikit-learn 1.9 they are float64 for images in float32.
        for name in ("coef_", "intercept_"):
            fitted = getattr(self.estimator_, name)
            setattr(self.estimator_, name, fitted.astype(self.precision))

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict the label of every image.

        Parameters
        ----------
        X : array-like
            Images, in one of the shapes that `fit` takes.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,)
            Labels, of the dtype of those in `fit`.
        """
        pixels = self._checked(X)
        return self.estimator_.predict(pixels)

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict the probability of every class for every image.

        Parameters
        ----------
        X : array-like
            Images, in one of the shapes that `fit` takes.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Softmax of the logits, in the order of ``classes_``, computed in float64.
        """
        return softmax(self._logits(X), axis=1)

    def predict_log_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict the logarithm of the probability of every class.

        Parameters
        ----------
        X : array-like
            Images, in one of the shapes that `fit` takes.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``, computed in float64; finite where the
            probability underflows.
        """
        return log_softmax(self._logits(X), axis=1)

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Compute the logits, the inputs of the softmax.

        Parameters
        ----------
        X : array-like
            Images, in one of the shapes that `fit` takes.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes) or (n_samples,)
            In the order of ``classes_``; for two classes positive where the
            second is predicted.
        """
        pixels = self._checked(X)
        return self.estimator_.decision_function(pixels)

    def _logits(self, X):
        logits = self.decision_function(X).astype(np.float64)
        if logits.ndim == 1:
            logits = np.stack([np.zeros_like(logits), logits], axis=1)
        return logits

    def _checked(self, X):
        check_is_fitted(self, "estimator_")
        pixels, _, _ = check_images(self, X, reset=False)
        warn_of_other_pixels(self, pixels)
        # In the precision of the fit, whatever the parameter is now.
        return self._scaled(pixels, self.coef_.dtype)

    def _scaled(self, pixels, dtype):
        pixels = pixels if isinstance(pixels, np.ndarray) else pixels.cpu().numpy()
        return scale_pixels(pixels, *self._scaling, dtype)

    @property
    def coef_(self) -> np.ndarray:
        """Coefficients of the scaled pixels."""
        return self.estimator_.coef_

    @property
    def intercept_(self) -> np.ndarray:
        """Intercepts."""
        return self.estimator_.intercept_

    @property
    def n_iter_(self) -> np.ndarray:
        """Iterations of the solver."""
        return self.estimator_.n_iter_

    @property
    def n_parameters_(self) -> int:
        """The number of coefficients and intercepts."""
        return self.coef_.size + self.intercept_.size

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
