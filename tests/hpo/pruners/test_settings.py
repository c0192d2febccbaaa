"""Tests of pruning: by a paired test over frames, and with several objectives."""

from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from scipy.stats import wilcoxon
from study_samples import random_areas, report

from hpo.config.objectives import ObjectiveSettings
from hpo.config.rung_values import rung_losses
from hpo.config.study_file import load_study
from hpo.pruners.paired import frame_differences
from hpo.pruners.settings import PairedSettings, build_pruner
from hpo.statistics.recordings import Recordings
from hpo.study.study import Study, open_study
from segada.artifacts.run_files import read_areas
from segada.errors import InputError
from segada.metrics import Areas, Floats, mean_iou_by_set

STUDY = """
name: tiny
run: {stream: {visits: [clear, 50mm, 200mm]}, evaluation: {split: val}}
space:
  method.pseudo_threshold: {type: float, low: 0.5, high: 0.9}
sampler: SAMPLER
budget: {trials: 12}
pruning: PRUNING
"""
SEVERAL = "objectives: [{metric: gain, goal: maximize}, {metric: trainable_parameters, goal: minimize}]\n"


def opened(folder: Path, pruning: str, rest: str = "", sampler: str = "{name: random, seed: 0}") -> Study:
    path = folder / "study-file.yaml"
    path.write_text(STUDY.replace("PRUNING", pruning).replace("SAMPLER", sampler) + rest)
    return open_study(load_study(str(path)), folder / "out")


def leave(study: Study, folder: Path, number: int, visits: list[Areas]) -> None:
    """What the engine leaves of a trial after these visits."""
    trial = folder / "out" / "trials" / str(number)
    trial.mkdir(parents=True, exist_ok=True)
    known = {f"visit{visit}": areas for visit, areas in enumerate(visits)}
    known |= {f"recording{visit}": np.arange(len(areas)) for visit, areas in enumerate(visits)}
    np.savez(trial / "areas.npz", **known)
    assert study.remaining() > 0


def better(areas: Areas, pixels: int) -> Areas:
    """The same with so many right pixels more in every class of every frame."""
    changed = areas.copy()
    changed[:, 0] += pixels
    return changed


def test_the_miou_of_a_frame_is_that_of_the_classes_it_shows():
    areas = np.zeros((2, 3, 19), np.int64)
    areas[0, :, 0] = (30, 40, 50)
    areas[0, :, 1] = (0, 0, 10)
    areas[0, 1, 2] = 7
    assert mean_iou_by_set(areas).tolist() == [(30 / 60 + 0) / 2, 0.0]


def differences(ours: list[Areas], theirs: list[Areas]) -> Floats:
    """Those of independent scenes."""
    return frame_differences(ours, theirs, [Recordings((1,) * len(areas)) for areas in ours])[0]


def test_frames_are_averaged_over_visits_to_domains_of_the_same_recordings():
    generator = np.random.default_rng(0)
    ours, theirs = ([random_areas(generator, 0.6, frames) for frames in (5, 3, 5)] for _ in range(2))
    first, second, third = (mean_iou_by_set(a) - mean_iou_by_set(b) for a, b in zip(ours, theirs, strict=True))

    found, recordings = frame_differences(ours, theirs, [Recordings(one) for one in ((2, 3), (3,), (2, 3))])
    apart, _ = frame_differences(ours, theirs, [Recordings(one) for one in ((2, 3), (3,), (5,))])

    assert found == pytest.approx(np.concatenate([(first + third) / 2, second]))
    assert recordings == Recordings((2, 3, 3))
    assert apart == pytest.approx(np.concatenate([first, second, third]))


def test_a_trial_that_is_worse_frame_by_frame_is_stopped_and_one_that_is_as_good_is_not(tmp_path):
    study = opened(tmp_path, "{name: paired, min_visits: 1}")
    base = [random_areas(np.random.default_rng(seed), 0.6, frames=12) for seed in range(3)]
    noise = [random_areas(np.random.default_rng(9 + seed), 0.6, frames=12) for seed in range(3)]
    for _ in range(5):
        study.ask()
    leave(study, tmp_path, 0, base)
    assert study.report(0, 1, 0.1) is False, "nobody is there to compare with"
    study.complete(0, [0.5])
    # Worse by far less than frames differ among each other.
    leave(study, tmp_path, 1, [better(base[0], -2)])
    leave(study, tmp_path, 2, [better(base[0], 2)])
    leave(study, tmp_path, 3, noise[:1])
    leave(study, tmp_path, 4, base[:1])
    p = wilcoxon(differences(noise[:1], base[:1]), alternative="less").pvalue

    assert p > 0.01
    assert [study.report(number, 1, -0.5) for number in (1, 2, 3, 4)] == [True, False, False, False]
    assert [trial.number for trial in study.best(9)] == [0]
    assert study.optuna_study.trials[1].state == TrialState.PRUNED


def test_the_level_is_that_of_the_one_sided_test(tmp_path):
    base = random_areas(np.random.default_rng(0), 0.6, frames=12)
    other = better(base, -3)
    other[:3, 0] += 9
    p = wilcoxon(differences([other], [base]), alternative="less").pvalue
    assert differences([other], [base]).mean() < 0

    def conclusion(alpha: float, name: str) -> bool:
        (tmp_path / name).mkdir()
        study = opened(tmp_path / name, f"{{name: paired, min_visits: 1, alpha: {alpha}}}")
        for number, areas in enumerate((base, other)):
            study.ask()
            leave(study, tmp_path / name, number, [areas])
        study.complete(0, [0.5])
        return study.report(1, 1, 0.0)

    assert conclusion(p * 1.01, "above")
    assert not conclusion(p * 0.99, "below")


def test_warm_up_the_first_trials_and_folders_that_lag_stop_nothing(tmp_path):
    study = opened(tmp_path, "{name: paired, min_visits: 2, n_startup_trials: 2}")
    base = [random_areas(np.random.default_rng(seed), 0.6, frames=12) for seed in range(3)]
    worse = [better(areas, -5) for areas in base]
    for _ in range(4):
        study.ask()
    leave(study, tmp_path, 0, base)
    study.complete(0, [0.5])
    for number in (1, 2, 3):
        leave(study, tmp_path, number, worse[:1])

    assert study.report(1, 2, -0.5) is False, "one of the first trials"
    assert study.report(2, 1, -0.5) is False, "too early"
    assert study.report(2, 2, -0.5) is False, "the second visit is not in the folder yet"
    leave(study, tmp_path, 2, worse[:2])
    assert study.report(2, 2, -0.5) is True
    assert read_areas(tmp_path / "nowhere").value == ()


def test_the_best_that_others_are_compared_with_keeps_the_limits(tmp_path):
    limits = "constraints: [{metric: frames_per_second, at_least: 10.0}]\n"
    study = opened(tmp_path, "{name: paired, min_visits: 1}", limits)
    base = random_areas(np.random.default_rng(0), 0.6, frames=12)
    for number, pixels in enumerate((0, 9, 3)):
        study.ask()
        leave(study, tmp_path, number, [better(base, pixels)])
    study.complete(0, [0.5], [-1.0])
    study.complete(1, [0.9], [1.0])
    assert study.report(2, 1, 0.0) is False


def test_settings_of_pruners(tmp_path):
    assert isinstance(opened(tmp_path, "{name: paired, alpha: 0.05}").file.settings.pruning, PairedSettings)
    for pruning, error in (
        ("{name: paired, alpha: 0.7}", "pruning.alpha"),
        ("{name: pared}", "pruning.name"),
        ("{min_visits: 0}", "pruning.min_visits"),
        ("3", "pruning"),
    ):
        with pytest.raises(InputError) as refusal:
            opened(tmp_path, pruning)
        assert f": {error}: " in str(refusal.value)
    assert isinstance(build_pruner(None, tmp_path), optuna.pruners.NopPruner)


def test_of_several_objectives_those_count_that_are_known_by_then():
    objectives = [
        ObjectiveSettings(metric="mean_miou", goal="maximize"),
        ObjectiveSettings(metric="miou/200mm", goal="maximize"),
        ObjectiveSettings(metric="trainable_parameters", goal="minimize"),
        ObjectiveSettings(metric="frames_per_second", goal="maximize"),
        ObjectiveSettings(metric="forgetting", goal="minimize"),
        ObjectiveSettings(metric="gain - forgetting", goal="maximize"),
    ]
    whole = report(0.25)
    records = [*whole.visits[:2], whole.visits[2].model_copy(update={"miou": dict.fromkeys(whole.source_only, 0.0)})]
    whole = whole.model_copy(update={"visits": records, "gain": -3.0, "forgetting": 3.0, "mean_miou": 0.0})

    assert rung_losses(objectives, whole, 2, 0.25) == pytest.approx([-0.25, 10, -8.0, -0.25, -0.5])


def test_several_objectives_are_halved_by_fronts(tmp_path):
    study = opened(tmp_path, "{name: halving, min_visits: 1, reduction_factor: 2}", SEVERAL)
    for _ in range(7):
        study.ask()
    # Gain and parameters, as losses; a front of two that the third is behind, and so on.
    points = [(-0.3, 9), (-0.1, 1), (-0.1, 9), (-0.05, 10), (-0.4, 9), (-0.2, 0.5), (float("nan"), 1)]
    conclusions = [study.report(number, 1, 0.0, losses) for number, losses in enumerate(points)]

    assert conclusions == [False, False, True, True, False, False, True]
    assert [trial.number for trial in study.finished()] == [2, 3, 6]
    assert study.report(0, 2, 0.0, (0.9, 9)) is False, "alone at the second rung"
    assert study.report(1, 3, 0.0, (9.0, 99)) is False, "the end of the stream"


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "genetic"])
def test_a_pruned_trial_never_counts_with_its_early_value(tmp_path, sampler):
    """Those that are stopped looked best; whoever took that for a result would breed from them."""
    study = opened(tmp_path, "{name: halving, min_visits: 1}", SEVERAL, f"{{name: {sampler}}}")
    for number in range(12):
        assert study.ask() is not None
        if number % 3 == 2:
            assert study.report(number, 1, 9.0, (float("nan"), 0.0)) is True
        else:
            study.report(number, 1, 0.1, (-0.1 * number, -number))
            study.complete(number, [0.1 * number, 100 - number])

    done = study.finished()
    assert [trial.number for trial in done if trial.state == TrialState.PRUNED] == [2, 5, 8, 11]
    assert all(trial.values is None for trial in done if trial.state == TrialState.PRUNED)
    assert [trial.number for trial in study.best(3)] == [10]


def test_nothing_prunes_where_no_objective_is_predicted(tmp_path):
    rest = SEVERAL.replace("metric: gain", "metric: forgetting")
    with pytest.raises(InputError, match="does not predict forgetting or trainable_parameters"):
        opened(tmp_path, "{min_visits: 1}", rest)
