"""The studies of the five reports as data.

The study of a sixth report is one more entry here. Accuracies are in percent, as a
mean and a standard deviation, None where the report gives none.
"""

from skmnist.recipes._layer_study import LayerStudy
from skmnist.recipes._recorders import CurvesBeforeEpochs, EpochCurves, StepCurves
from skmnist.recipes._reports import PLAIN_SGD, RECIPES, B, C, D, E
from skmnist.recipes._study import Study

CONVNET_16_4 = RECIPES["dl-2020/convnet-16-4"]
MLP_300_SIGMOID = RECIPES["dl-2020/mlp-300-sigmoid"]
DL_2020: list[Study | LayerStudy] = [
    Study(
        name="dl-2020/learning-rate",
        source=B,
        estimator=CONVNET_16_4.estimator,
        settings={**CONVNET_16_4.settings, "max_epochs": 10},
        n_validation=CONVNET_16_4.n_validation,
        grid={"lr": (1e-5, 1e-4, 1e-3, 1e-2)},
        curves=CurvesBeforeEpochs,
        finding=(
            "0.01 and 0.001 are good, 0.0001 is middling, and 0.00001 is close to "
            "chance."
        ),
    ),
    Study(
        name="dl-2020/seed-spread",
        source=B,
        estimator=CONVNET_16_4.estimator,
        settings=CONVNET_16_4.settings,
        n_validation=CONVNET_16_4.n_validation,
        n_repeats=3,
        curves=StepCurves,
        note="Loss and accuracy are those of each batch, before the step on it.",
    ),
    LayerStudy(
        name="dl-2020/parameter-count",
        source=B,
        networks=(MLP_300_SIGMOID, CONVNET_16_4),
    ),
]

DAT565_2023 = [
    Study(
        name="dat565-2023/weight-decay",
        source=C,
        estimator="MLPClassifier",
        settings={
            **PLAIN_SGD,
            "hidden_layer_sizes": (500, 300),
            "lr": 0.001,
            "batch_size": 256,
            "max_epochs": 40,
            "pixel_scaling": "unit",
        },
        grid={"weight_decay": (1e-7, 1e-6, 1e-5, 1e-4, 1e-3)},
        n_repeats=3,
        curves=EpochCurves,
        published={
            1e-3: (82.79, 0.11),
            1e-4: (83.36, 0.57),
            1e-5: (82.95, 0.25),
            1e-6: (83.01, 0.54),
            1e-7: (83.61, 0.13),
        },
        finding="At this learning rate the decay makes no difference.",
        note=(
            "The report uses raw pixels elsewhere; its figures here are those of "
            "pixels in [0, 1]: with raw ones an independent run of 1e-3 gives 97.05."
        ),
    ),
]

DM566_2022_MLP_100 = RECIPES["dm566-2022/mlp-100"]
DM566_2022 = [
    Study(
        name="dm566-2022/batch-size",
        source=D,
        estimator=DM566_2022_MLP_100.estimator,
        settings=DM566_2022_MLP_100.settings,
        # Both in factors of four, so that candidates with the same ratio of rate to
        # batch size lie on diagonals; the report's own, 100 and 0.01, is among them.
        grid={
            "batch_size": (25, 100, 400, 1600),
            "lr": (0.0025, 0.01, 0.04, 0.16),
        },
        note=(
            "The exercise asks for the study; the report gives no figures for it. On "
            "MNIST the accuracy depends on the ratio of rate to batch size: it is the "
            "same along the diagonals."
        ),
    ),
    Study(
        name="dm566-2022/training-size",
        source=D,
        estimator=DM566_2022_MLP_100.estimator,
        settings=DM566_2022_MLP_100.settings,
        train_sizes=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
        n_repeats=3,
        note=(
            "The exercise asks for the study; the report gives no figures for it. The "
            "number of epochs is the same for every size, so fewer images mean fewer "
            "steps."
        ),
    ),
    Study(
        name="dm566-2022/depth",
        source=D,
        estimator=DM566_2022_MLP_100.estimator,
        settings=DM566_2022_MLP_100.settings,
        grid={"hidden_layer_sizes": ((), (100,), (100, 100))},
        n_repeats=3,
        published={(): (90.9, None), (100,): (92.79, None), (100, 100): (93.67, None)},
    ),
]

DAT405_2023 = [
    Study(
        name="dat405-2023/l2-factor",
        source=E,
        estimator="MLPClassifier",
        settings={
            **PLAIN_SGD,
            "hidden_layer_sizes": (300, 500),
            "lr": 0.1,
            "batch_size": 128,
            "max_epochs": 40,
            "pixel_scaling": "unit",
        },
        grid={"weight_decay": (2e-6, 2e-5, 2e-4, 1e-3, 2e-3)},
        # A penalty of factor times the squared weights has twice the factor times
        # the weights as its gradient, which is what weight_decay is.
        terms={"weight_decay": ("L2 factor", 0.5)},
        n_repeats=3,
        chart="bar",
        published={
            1e-6: (57.0, None),
            1e-5: (66.6, None),
            1e-4: (73.9, None),
            5e-4: (84.4, None),
            1e-3: (89.1, None),
        },
        independent={1e-6: (98.09, None), 1e-4: (98.20, None), 1e-3: (97.72, None)},
        finding="The published accuracy rises with the factor.",
        note=(
            "The published figures are an artefact: every run stacked its layers on "
            "top of the previous run's model. With a new model for every factor "
            "there is no such rise. The report's penalty is on the kernels of the "
            "hidden layers, ours on all weights and biases."
        ),
    ),
]

STUDIES = {
    study.name: study for study in (*DL_2020, *DAT565_2023, *DM566_2022, *DAT405_2023)
}
