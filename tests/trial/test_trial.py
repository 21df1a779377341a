"""
The trial: drawn by seed, played through the real windows, and held to its targets on seeds nothing was tuned on.
"""

from __future__ import annotations

import json

import pytest

from daysalt.cli import run
from daysalt.trial.fitting import fit
from daysalt.trial.report import evaluate, evaluate_each
from daysalt.trial.scenarios import SCENARIOS, write_script

UNSEEN = 70_001


def test_a_seed_draws_the_same_hits() -> None:
    """
    The same seed gives the same figures, another seed others.
    """
    scenario = SCENARIOS["conversion-faker"]

    assert evaluate(scenario, [1]) == evaluate(scenario, [1])
    assert write_script(scenario, 1).seen != write_script(scenario, 2).seen


@pytest.mark.parametrize("name", ["private-browsers", "flood", "naive-crawler", "conversion-faker", "replayer"])
def test_targets_are_reached_on_an_unseen_seed(name: str) -> None:
    """
    Figures that are promised hold on a seed that was never looked at before.
    """
    assert evaluate(SCENARIOS[name], [UNSEEN]).reached is True


def test_without_signals_nothing_is_found() -> None:
    """
    The trial is no tautology: with the signals that find fakers left out, fakers are missed.
    """
    codes = frozenset({"CONV_NO_VIEW", "CONV_RATIO", "UA_LIB", "UA_EMPTY", "HDR_IMPOSSIBLE", "ORIGIN_MISMATCH"})
    figures = evaluate(SCENARIOS["conversion-faker"], [UNSEEN], left_out=codes)

    assert figures.recall == 0


def test_an_ablation_in_one_go_is_each_by_itself() -> None:
    """
    A script played once and judged several times gives what playing it for each would have given.
    """
    scenario = SCENARIOS["conversion-faker"]
    left_outs = [frozenset[str](), frozenset({"CONV_NO_VIEW"}), frozenset({"DWELL_OK", "CONV_RATIO"})]
    each = [evaluate(scenario, [UNSEEN], left_out=codes) for codes in left_outs]

    assert each == evaluate_each(scenario, [UNSEEN], left_outs)
    assert each[0] != each[1]


def test_isotonic_steps_rise() -> None:
    """
    Neighbours that would fall are pooled.
    """
    assert [(0, 0.1), (20, 0.4), (40, 0.9)] == fit([(0, 0.1, 1), (20, 0.6, 1), (30, 0.2, 1), (40, 0.9, 1)])


def test_the_command_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    """
    `daysalt risk evaluate --json` gives the figures of the scenario asked for.
    """
    assert 0 == run(["risk", "evaluate", "--seed", "5", "--scenario", "conversion-faker", "--json"])

    figures = json.loads(capsys.readouterr().out)["scenarios"][0]
    assert ("conversion-faker", [5]) == (figures["scenario"], figures["seeds"])
    assert {"precision", "recall", "brier", "reliability", "events_until_found_median"} <= set(figures)


def test_an_unknown_scenario_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """
    A wrong name gets one sentence with the right ones, and exit code 2.
    """
    assert 2 == run(["risk", "evaluate", "--seed", "5", "--scenario", "nobody"])
    assert "flood" in capsys.readouterr().err
