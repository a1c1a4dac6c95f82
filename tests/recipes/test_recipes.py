import json

import numpy as np
import pytest

import skmnist
from skmnist.datasets import load_digits28
from skmnist.recipes import Recipe, get_recipe, get_study, list_recipes


@pytest.mark.parametrize("name", list_recipes())
def test_network_has_the_published_number_of_parameters(name, small):
    recipe = get_recipe(name)
    result = recipe.run(small, epochs=1)
    assert result.n_parameters == recipe.n_parameters
    accuracy = result.estimator.score(small[1], small[3])
    assert result.test_accuracy == pytest.approx(100 * accuracy)
    json.dumps(result.to_dict())


def test_all_networks_of_the_reports_are_there():
    reports = [name.partition("/")[0] for name in list_recipes()]
    assert {report: reports.count(report) for report in reports} == {
        "baseline": 1,
        "dat565-2024": 3,
        "dl-2020": 2,
        "dat565-2023": 2,
        "dm566-2022": 3,
        "dat405-2023": 2,
        "skmnist": 2,
    }


@pytest.mark.parametrize("name", list_recipes())
def test_published_figures_belong_to_epochs_of_the_recipe(name):
    recipe = get_recipe(name)
    last = recipe.make_estimator().get_params().get("max_epochs", 1)
    assert max(recipe.published["test_accuracy"]) == last
    for values in (*recipe.published.values(), *(recipe.independent or {}).values()):
        assert all(1 <= epoch <= last for epoch in values)


def test_unknown_name_offers_those_near_it():
    with pytest.raises(KeyError, match="Did you mean dl-2020/convnet-16-4") as error:
        get_recipe("dl-2020/convnet-16")
    assert str(error.value).startswith("There is no recipe 'dl-2020/convnet-16'.")
    with pytest.raises(KeyError, match="See list_recipes"):
        get_recipe("xyz")
    with pytest.raises(
        ValueError, match=r"'name' .* must be a str. Got \['a'\] instead"
    ):
        get_recipe(["a"])


def test_estimator_takes_the_settings_and_what_overrides_them():
    estimator = get_recipe("dat565-2024/mlp-500-300").make_estimator(lr=1, verbose=2)
    assert type(estimator) is skmnist.MLPClassifier
    assert estimator.hidden_layer_sizes == (500, 300)
    assert (estimator.lr, estimator.verbose, estimator.momentum) == (1, 2, 0)


@pytest.mark.parametrize("shape", [(20, 8, 8), (20, 64), (20, 3, 28, 28)])
def test_images_of_another_size_are_refused_before_training(shape):
    X, y = np.zeros(shape, np.uint8), np.arange(20) % 10
    with pytest.raises(ValueError, match="made for images of 28x28 pixels"):
        get_recipe("dm566-2022/softmax").run((X, X, y, y))


@pytest.mark.parametrize("data", ["bunch", "X and y", None, 3])
@pytest.mark.parametrize("name", ["dm566-2022/softmax", "dl-2020/parameter-count"])
def test_data_that_are_not_four_arrays_are_refused(name, data):
    data = {"bunch": load_digits28(), "X and y": load_digits28(return_X_y=True)}.get(
        data, data
    )
    entry = get_recipe(name) if name in list_recipes() else get_study(name)
    with pytest.raises(ValueError, match=r"\(X_train, X_test, y_train, y_test\).*Got"):
        entry.run(data)


@pytest.mark.parametrize("estimator", ["MLP", "ConvLayer", skmnist.MLPClassifier])
def test_an_unknown_estimator_is_refused_when_the_recipe_is_made(estimator):
    with pytest.raises(ValueError, match="'estimator' parameter of Recipe must be one"):
        Recipe(
            name="mine/wide",
            source="here",
            estimator=estimator,
            n_parameters=477_010,
            published={},
        )


def test_figures_are_those_of_every_epoch(small):
    result = get_recipe("dat405-2023/mlp-64-64").run(small, epochs=3, random_state=1)
    assert result.n_epochs == 3
    for values in result.figures.values():
        assert list(values) == [1, 2, 3]
    assert list(result.figures["train_loss"].values()) == result.estimator.loss_curve_
    train = 100 * result.estimator.score(small[0], small[2])
    assert result.figures["train_accuracy"][3] == pytest.approx(train)


def test_a_report_s_validation_images_are_not_trained_on(small):
    result = get_recipe("dl-2020/convnet-16-4").run(small, epochs=2)
    assert result.n_train == 275  # 25 are 5,000 / 60,000 of 300
    assert list(result.figures["validation_accuracy"]) == [1, 2]
    assert list(result.figures["test_accuracy"]) == [2]


def test_same_seed_gives_the_same_run_and_another_another(small):
    recipe = get_recipe("dl-2020/mlp-300-sigmoid")
    first, again, other = (
        recipe.run(small, epochs=2, random_state=seed).figures for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_published_and_independent_figures_stand_beside_the_measured_ones(small):
    result = get_recipe("dat565-2024/mlp-128").run(small, epochs=1)
    first, last = result.comparison()
    assert first == ("test_accuracy", 1, 79.45, 89.33, result.test_accuracy)
    assert last == ("test_accuracy", 10, 86.75, 94.44, None)


def test_a_sixth_report_is_a_matter_of_data(small):
    recipe = Recipe(
        name="mine/wide",
        source="here",
        estimator="MLPClassifier",
        settings={"hidden_layer_sizes": (600,), "max_epochs": 2},
        n_parameters=477_010,
        published={"test_accuracy": {2: 50.0}},
    )
    assert recipe.run(small).n_parameters == recipe.n_parameters
