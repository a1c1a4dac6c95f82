"""Studies against what they stand for: the same fits, made one by one."""

import json

import numpy as np
import pytest
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV

from skmnist.displays import ParameterSweepDisplay
from skmnist.recipes import LayerStudy, Study, get_recipe, get_study, list_studies
from skmnist.recipes._setting import split_images


@pytest.fixture(scope="module")
def few(digits):
    X_train, X_test, y_train, y_test = digits
    return X_train[:300], X_test, y_train[:300], y_test


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
def test_a_study_runs_on_the_embedded_digits(name, few):
    study = get_study(name)
    if isinstance(study, LayerStudy):
        result = study.run(few)
    else:
        result = study.run(few, epochs=1)
        assert result.accuracies.shape == (len(result.candidates), study.n_repeats)
        assert np.isfinite(result.accuracies).all()
    json.dumps(result.to_dict())


def test_accuracies_are_those_of_the_same_fits_made_one_by_one(few):
    X_train, X_test, y_train, y_test = few
    study = small_study(grid={"lr": (0.1, 0.001), "batch_size": (8, 64)}, n_repeats=2)
    result = study.run(few)
    assert len(result.candidates) == 4
    for candidate, accuracies in zip(result.candidates, result.accuracies, strict=True):
        for seed, accuracy in enumerate(accuracies):
            clf = study.make_estimator(random_state=seed, **candidate)
            clf.fit(X_train, y_train)
            assert accuracy == pytest.approx(100 * clf.score(X_test, y_test))


def test_two_jobs_give_what_one_gives(few):
    study = small_study(grid={"lr": (0.1, 0.001)}, n_repeats=2)
    one, two = (study.run(few, n_jobs=n, device="cpu").accuracies for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_values_are_told_in_the_report_s_terms(few):
    result = get_study("dat405-2023/l2-factor").run(few, epochs=1, n_repeats=1)
    factors = [1e-6, 1e-5, 1e-4, 5e-4, 1e-3]
    assert result.candidates == [{"L2 factor": factor} for factor in factors]
    rows = result.comparison()
    assert [published for _, published, _, _ in rows] == [
        *((57.0, None), (66.6, None), (73.9, None), (84.4, None), (89.1, None))
    ]
    assert [honest and honest[0] for _, _, honest, _ in rows] == [
        *(98.09, None, 98.20, None, 97.72)
    ]


def test_an_l2_factor_is_half_a_weight_decay(few):
    # With a penalty of factor * w**2 and no data, plain SGD multiplies a weight by
    # 1 - lr * 2 * factor in a step.
    study = get_study("dat405-2023/l2-factor")
    term, per_decay = study.terms["weight_decay"]
    assert term == "L2 factor"
    for decay in study.grid["weight_decay"]:
        assert 2 * (per_decay * decay) == decay


def test_comparison_gives_mean_and_sample_deviation(few):
    result = small_study(grid={"lr": (0.1,)}, n_repeats=3, published={0.1: (50, 1)})
    result = result.run(few)
    ((candidate, published, honest, (mean, deviation)),) = result.comparison()
    assert (candidate, published, honest) == ({"lr": 0.1}, (50, 1), None)
    assert mean == pytest.approx(np.mean(result.accuracies))
    assert deviation == pytest.approx(np.std(result.accuracies, ddof=1))
    display = ParameterSweepDisplay.from_cv_results(
        result.cv_results, param="lr", score="mean_test_accuracy"
    )
    assert 100 * display.mean[0, 0] == pytest.approx(mean)
    assert 100 * display.std[0, 0] == pytest.approx(deviation)


def test_curves_before_epochs_begin_with_the_untrained_network(few):
    study = get_study("dl-2020/learning-rate")
    result = study.run(few, epochs=3)
    train, valid = result.curves["train_accuracy"], result.curves["valid_accuracy"]
    assert train.shape == valid.shape == (4, 1, 3)
    # The seed is the same for every rate, so is the network before the first step.
    assert len(set(train[:, 0, 0])) == 1
    # A rate that fits moves it, one that is too low hardly.
    assert train[3, 0, 2] > train[0, 0, 2]
    # Before the last epoch is after the last but one.
    clf = study.make_estimator(lr=0.01, max_epochs=2, random_state=0)
    images = split_images(study, few, random_state=0)
    clf.fit(images.X_train, images.y_train)
    assert len(images.y_train) < len(few[0])
    score = clf.score(images.X_train, images.y_train)
    assert train[3, 0, 2] == pytest.approx(score)
    score = clf.score(images.X_val, images.y_val)
    assert valid[3, 0, 2] == pytest.approx(score)


def test_curves_after_epochs_end_with_the_final_accuracy(few):
    result = get_study("dat565-2023/weight-decay").run(few, epochs=2, n_repeats=2)
    curves = result.curves["valid_accuracy"]
    assert curves.shape == (5, 2, 2)
    np.testing.assert_allclose(100 * curves[:, :, -1], result.accuracies)


def test_step_curves_have_a_point_for_every_batch_of_every_epoch(few):
    study = small_study(curves=get_study("dl-2020/seed-spread").curves)
    result = study.run(few, epochs=3)
    assert len(result.candidates) == 1
    n_batches = -(-300 // study.make_estimator().batch_size)
    for curve in result.curves.values():
        assert curve.shape == (1, 1, 3 * n_batches)
    # The mean of the batches' losses, weighted by their images, is the epoch's.
    clf = study.make_estimator(max_epochs=3, random_state=0).fit(few[0], few[2])
    sizes = [64] * (n_batches - 1) + [300 - 64 * (n_batches - 1)]
    losses = result.curves["train_loss"][0, 0].reshape(3, n_batches)
    np.testing.assert_allclose(
        np.average(losses, axis=1, weights=sizes), clf.loss_curve_, rtol=1e-5
    )


def test_training_sizes_are_shares_of_the_training_images(few):
    X_train, X_test, y_train, y_test = few
    study = small_study(train_sizes=(0.1, 0.5, 1.0), n_repeats=2)
    result = study.run(few)
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
def test_a_candidate_that_fails_is_told_and_the_others_go_on(few):
    study = small_study(grid={"lr": (0.01, -1.0)})
    with pytest.warns(FitFailedWarning, match="must be"):
        result = study.run(few)
    assert np.isnan(result.accuracies[1, 0])
    assert np.isfinite(result.accuracies[0, 0])


def test_images_of_another_size_are_refused_before_training():
    X, y = np.zeros((20, 8, 8), np.uint8), np.arange(20) % 10
    for name in list_studies():
        with pytest.raises(ValueError, match="made for images of 28x28 pixels"):
            get_study(name).run((X, X, y, y))


def test_layers_are_counted_by_weights_and_biases(few):
    result = get_study("dl-2020/parameter-count").run(few)
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
    with pytest.raises(ValueError, match="It is a network: get_recipe"):
        get_study("dm566-2022/softmax")
    with pytest.raises(KeyError, match="It is a study: get_study"):
        get_recipe("dm566-2022/depth")


def test_a_study_is_a_search_that_anyone_could_write(few):
    X_train, X_test, y_train, y_test = few
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
    np.testing.assert_allclose(study.run(few).accuracies[:, 0], 100 * scores)
