"""Studies against what they stand for: the same fits, made one by one."""

import json

import numpy as np
import pytest
import torch
from sklearn import config_context
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV
from torch.nn import functional as F

from skmnist import ConvLayer
from skmnist.displays import ParameterSweepDisplay
from skmnist.recipes import LayerStudy, Study, get_recipe, get_study, list_studies
from skmnist.recipes._recorders import EpochCurves, StepCurves
from skmnist.recipes._setting import split_images


def small_study(**changed):
    settings = {"hidden_layer_sizes": (20,), "max_epochs": 2, "lr": 0.01}
    arguments = {"name": "mine/study", "source": "here", "estimator": "MLPClassifier"}
    return Study(**{**arguments, "settings": settings, **changed})


def test_all_studies_of_the_reports_are_there():
    assert [name.split("/")[1] for name in list_studies()] == [
        *("learning-rate", "seed-spread", "parameter-count", "weight-decay"),
        *("batch-size", "training-size", "depth", "l2-factor"),
    ]


@pytest.mark.parametrize("name", list_studies())
def test_a_study_runs_on_the_embedded_digits(name, small):
    study = get_study(name)
    if isinstance(study, LayerStudy):
        result = study.run(small)
    else:
        result = study.run(small, epochs=1)
        assert result.accuracies.shape == (len(result.candidates), study.n_repeats)
        assert np.isfinite(result.accuracies).all()
    json.dumps(result.to_dict())


def test_accuracies_are_those_of_the_same_fits_made_one_by_one(small):
    X_train, X_test, y_train, y_test = small
    study = small_study(grid={"lr": (0.1, 0.001), "batch_size": (8, 64)}, n_repeats=2)
    result = study.run(small)
    assert len(result.candidates) == 4
    for candidate, accuracies in zip(result.candidates, result.accuracies, strict=True):
        for seed, accuracy in enumerate(accuracies):
            clf = study.make_estimator(random_state=seed, **candidate)
            clf.fit(X_train, y_train)
            assert accuracy == pytest.approx(100 * clf.score(X_test, y_test))


def test_two_jobs_give_what_one_gives(small):
    study = small_study(grid={"lr": (0.1, 0.001)}, n_repeats=2)
    one, two = (study.run(small, n_jobs=n, device="cpu").accuracies for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_values_are_told_in_the_report_s_terms(small):
    result = get_study("dat405-2023/l2-factor").run(small, epochs=1, n_repeats=1)
    factors = [1e-6, 1e-5, 1e-4, 5e-4, 1e-3]
    assert result.candidates == [{"L2 factor": factor} for factor in factors]
    rows = result.comparison()
    assert [published for _, published, _, _ in rows] == [
        *((57.0, None), (66.6, None), (73.9, None), (84.4, None), (89.1, None))
    ]
    assert [figure and figure[0] for _, _, figure, _ in rows] == [
        *(98.09, None, 98.20, None, 97.72)
    ]


def test_an_l2_factor_is_a_penalty_of_factor_times_squared_weights(small):
    # One step of plain gradient descent with the penalty written out.
    X_train, _, y_train, _ = small
    study = get_study("dat405-2023/l2-factor")
    decay = study.grid["weight_decay"][-1]
    term, per_decay = study.terms["weight_decay"]
    assert term == "L2 factor"
    one_step = {"max_epochs": 1, "batch_size": 300, "random_state": 0, "device": "cpu"}
    before = study.make_estimator(**one_step, lr=1e-12).fit(X_train, y_train)
    after = study.make_estimator(**one_step, weight_decay=decay).fit(X_train, y_train)
    module = before.module_
    logits = module(torch.tensor(X_train[:, None]))
    targets = torch.from_numpy(np.searchsorted(before.classes_, y_train))
    loss = F.cross_entropy(logits, targets)
    loss = loss + per_decay * decay * sum((w**2).sum() for w in module.parameters())
    gradients = torch.autograd.grad(loss, list(module.parameters()))
    for w, gradient, stepped in zip(
        module.parameters(), gradients, after.module_.parameters(), strict=True
    ):
        torch.testing.assert_close(w - 0.1 * gradient, stepped)


def test_comparison_gives_mean_and_sample_deviation(small):
    result = small_study(grid={"lr": (0.1,)}, n_repeats=3, published={0.1: (50, 1)})
    result = result.run(small)
    ((candidate, published, independent, (mean, deviation)),) = result.comparison()
    assert (candidate, published, independent) == ({"lr": 0.1}, (50, 1), None)
    assert mean == pytest.approx(np.mean(result.accuracies))
    assert deviation == pytest.approx(np.std(result.accuracies, ddof=1))
    display = ParameterSweepDisplay.from_cv_results(
        result.cv_results, param="lr", score="mean_test_accuracy"
    )
    assert 100 * display.mean[0, 0] == pytest.approx(mean)
    assert 100 * display.std[0, 0] == pytest.approx(deviation)


def test_curves_before_epochs_begin_with_the_untrained_network(small):
    study = get_study("dl-2020/learning-rate")
    result = study.run(small, epochs=3)
    train, valid = result.curves["train_accuracy"], result.curves["valid_accuracy"]
    assert train.shape == valid.shape == (4, 1, 3)
    # The seed is the same for every rate, so is the network before the first step.
    assert len(set(train[:, 0, 0])) == 1
    # A rate that fits moves it, one that is too low hardly.
    assert train[3, 0, 2] > train[0, 0, 2]
    # Before the last epoch is after the last but one.
    clf = study.make_estimator(lr=0.01, max_epochs=2, random_state=0)
    images = split_images(study, small, random_state=0)
    clf.fit(images.X_train, images.y_train)
    assert len(images.y_train) < len(small[0])
    score = clf.score(images.X_train, images.y_train)
    assert train[3, 0, 2] == pytest.approx(score)
    score = clf.score(images.X_val, images.y_val)
    assert valid[3, 0, 2] == pytest.approx(score)


def test_curves_after_epochs_end_with_the_final_accuracy(small):
    result = get_study("dat565-2023/weight-decay").run(small, epochs=2, n_repeats=2)
    curves = result.curves["valid_accuracy"]
    assert curves.shape == (5, 2, 2)
    np.testing.assert_allclose(100 * curves[:, :, -1], result.accuracies)


def test_step_curves_have_a_point_for_every_batch_of_every_epoch(small):
    study = small_study(curves=get_study("dl-2020/seed-spread").curves)
    result = study.run(small, epochs=3)
    assert len(result.candidates) == 1
    n_batches = -(-300 // study.make_estimator().batch_size)
    for curve in result.curves.values():
        assert curve.shape == (1, 1, 3 * n_batches)
    # The mean of the batches' losses, weighted by their images, is the epoch's.
    clf = study.make_estimator(max_epochs=3, random_state=0).fit(small[0], small[2])
    sizes = [len(part) for part in np.array_split(np.arange(300), n_batches)]
    losses = result.curves["train_loss"][0, 0].reshape(3, n_batches)
    np.testing.assert_allclose(
        np.average(losses, axis=1, weights=sizes), clf.loss_curve_, rtol=1e-5
    )


def test_training_sizes_are_shares_of_the_training_images(small):
    X_train, X_test, y_train, y_test = small
    study = small_study(train_sizes=(0.1, 0.5, 1.0), n_repeats=2)
    result = study.run(small)
    assert result.candidates == [{"training images": n} for n in (30, 150, 300)]
    assert result.accuracies.shape == (3, 2)
    # All of the images, in the order that the seed draws.
    for seed in (0, 1):
        order = np.random.RandomState(seed).permutation(300)
        clf = study.make_estimator(random_state=seed)
        clf.fit(X_train[order], y_train[order])
        accuracy = 100 * clf.score(X_test, y_test)
        assert result.accuracies[2, seed] == pytest.approx(accuracy)


@pytest.mark.filterwarnings("ignore:One or more of the test scores:UserWarning")
def test_a_candidate_that_fails_is_told_and_the_others_go_on(small):
    study = small_study(grid={"lr": (0.01, -1.0)})
    with pytest.warns(FitFailedWarning, match="must be"):
        result = study.run(small)
    assert np.isnan(result.accuracies[1, 0])
    assert np.isfinite(result.accuracies[0, 0])
    assert result.n_failed == 1
    kept = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert kept["accuracies"] == [[result.accuracies[0, 0]], [None]]


def test_layers_may_be_varied(small):
    layers = ((ConvLayer(2, kernel_size=5),), (2, ConvLayer(3, pool="avg")))
    study = small_study(
        estimator="ConvNetClassifier",
        settings={"max_epochs": 1, "hidden_layer_sizes": ()},
        grid={"conv_layers": layers},
    )
    result = study.run(small)
    assert [c["conv_layers"] for c in result.candidates] == list(layers)
    kept = json.loads(json.dumps(result.to_dict()))
    assert kept["candidates"][0] == {"conv_layers": str(layers[0])}


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"grid": {"lr": (1,)}, "train_sizes": (1.0,)}, "not both"),
        ({"grid": {"lr": (1,), "tol": (1,)}, "published": {1: (9, 1)}}, "go with one"),
        ({"published": {1: (9, 1)}}, "go with one"),
        ({"estimator": "MLP"}, "'estimator' parameter of Study must be one of"),
        # Without epochs, callbacks and a device.
        ({"estimator": "LinearClassifier"}, "Got 'LinearClassifier' instead"),
        (
            {"grid": {"max_epochs": (1, 2)}, "curves": EpochCurves},
            "cannot record curves",
        ),
        (
            {"grid": {"batch_size": (1, 2)}, "curves": StepCurves},
            "cannot record curves",
        ),
        ({"train_sizes": (0.5, 1.0), "curves": EpochCurves}, "cannot record curves"),
    ],
)
def test_studies_that_cannot_be_are_refused_when_they_are_made(changed, complaint):
    with pytest.raises(ValueError, match=complaint):
        small_study(**changed)


@pytest.mark.parametrize("n_repeats", [0, -1, 1.5, True])
@pytest.mark.parametrize("varied", [{"train_sizes": (1.0,)}, {"grid": {"lr": (1,)}}])
def test_the_number_of_repeats_is_a_positive_int(small, varied, n_repeats):
    study = small_study(**varied)
    with pytest.raises(ValueError) as caught:
        study.run(small, n_repeats=n_repeats)
    assert str(caught.value) == (
        "The 'n_repeats' parameter of Study must be a positive int. "
        f"Got {n_repeats} instead."
    )


def test_metadata_routing_changes_nothing(small):
    study = get_study("dat565-2023/weight-decay")
    plain = study.run(small, epochs=1, n_repeats=1)
    with config_context(enable_metadata_routing=True):
        routed = study.run(small, epochs=1, n_repeats=1)
    np.testing.assert_array_equal(plain.accuracies, routed.accuracies)
    assert plain.curves.keys() == routed.curves.keys()


def test_flat_training_images_go_with_square_test_images(small):
    X_train, X_test, y_train, y_test = small
    study = small_study(grid={"lr": (0.1,)})
    flat = study.run((X_train.reshape(300, -1), X_test, y_train, y_test))
    assert flat.accuracies == study.run(small).accuracies


def test_a_label_that_was_not_trained_is_refused(small):
    X_train, X_test, y_train, y_test = small
    known = y_train < 9
    data = X_train[known], X_test, y_train[known], y_test
    for entry in (small_study(), get_recipe("dl-2020/convnet-16-4")):
        with pytest.raises(ValueError, match=r"among those in y_train. Got \[9\]"):
            entry.run(data)


def test_images_of_another_size_are_refused_before_training():
    X, y = np.zeros((20, 8, 8), np.uint8), np.arange(20) % 10
    for name in list_studies():
        with pytest.raises(ValueError, match="made for images of 28x28 pixels"):
            get_study(name).run((X, X, y, y))


def test_layers_are_counted_by_weights_and_biases(small):
    result = get_study("dl-2020/parameter-count").run(small)
    mlp, convnet = result.layers.values()
    assert [layer[2:] for layer in mlp] == [(235_200, 300, 235_500), (3_000, 10, 3_010)]
    assert [layer[2:] for layer in convnet] == [
        *((144, 16, 160), (576, 4, 580), (1_960, 10, 1_970))
    ]
    for name, published, counted in result.comparison():
        assert published == counted == get_recipe(name).n_parameters


def test_unknown_and_mistaken_names_are_told_apart():
    with pytest.raises(KeyError, match="Did you mean dl-2020/learning-rate"):
        get_study("dl-2020/learnig-rate")
    with pytest.raises(ValueError, match="It is a network: use get_recipe"):
        get_study("dm566-2022/softmax")
    with pytest.raises(KeyError, match="It is a study: use get_study"):
        get_recipe("dm566-2022/depth")


def test_a_study_is_a_search_that_anyone_could_write(small):
    X_train, X_test, y_train, y_test = small
    study = small_study(grid={"lr": (0.1, 0.001)})
    X, y = np.concatenate([X_train, X_test]), np.concatenate([y_train, y_test])
    train, test = np.arange(300), np.arange(300, len(X))
    search = GridSearchCV(
        study.make_estimator(random_state=0),
        study.grid,
        cv=[(train, test)],
        refit=False,
    )
    scores = search.fit(X, y).cv_results_["mean_test_score"]
    np.testing.assert_allclose(study.run(small).accuracies[:, 0], 100 * scores)
