"""
`daysalt risk`: advice about an address, and the trial of the rules behind it.
"""

from __future__ import annotations

from typing import Annotated

import typer

from daysalt.commands.failures import CommandError
from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import note, print_json, print_table, progress_bar

app = typer.Typer(
    name="risk",
    help="Assess an address, and try the rules on made-up traffic.",
    epilog="Example: daysalt risk evaluate --seed 1000 --scenario flood",
    no_args_is_help=True,
)

RUNS_MAX = 1000


@app.callback()
def risk() -> None:
    """
    Assess an address, and try the rules on made-up traffic.
    """


@app.command(epilog="Example: daysalt risk check 203.0.113.7 --site example.com")
def check(
    ip: Annotated[str, typer.Argument(metavar="IP", help="The address to assess.")],
    site: Annotated[str | None, typer.Option(metavar="DOMAIN", help="The site it is about.")] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Tell what speaks for and against a program behind an address, from what it did today. Advice only.
    """
    from daysalt.risk_check import RiskCheckError, check_address

    try:
        answer = check_address(settings_for(data_dir), ip, site)
    except RiskCheckError as error:
        raise CommandError(str(error)) from error
    if as_json:
        print_json(answer)
        return
    print(
        f"{answer['class']}: score {answer['score']} of 100 ({answer['band']}), confidence {answer['confidence']}, "
        f"{answer['evidence']['events_24h']} events today"
    )
    rows = [
        [f"{line['points']:+d}", line["code"], line["text"]["en"], str(line["value"])]
        for line in (*answer["reasons"], *answer["counter_reasons"])
    ]
    print_table(("points", "code", "reason", "value"), rows, empty="Nothing is known that speaks for or against it.")
    note(answer["notice"]["en"])


@app.command(epilog="Example: daysalt risk evaluate --seed 1000 --scenario flood --json")
def evaluate(
    seed: Annotated[int, typer.Option(help="Seed of the first run; rules were tuned on seeds below 1000.", min=0)],
    scenario: Annotated[
        str, typer.Option(metavar="S", help="Name of a scenario, or `all`; an unknown name lists them.")
    ] = "all",
    runs: Annotated[int, typer.Option(help="Runs, each with the next seed.", min=1, max=RUNS_MAX)] = 1,
    ablation: Annotated[bool, typer.Option("--ablation", help="Also tell what is found without each signal.")] = False,
    attacker: Annotated[
        bool, typer.Option("--attacker", help="Also tell what one who knows the rules can still send in an hour.")
    ] = False,
    as_json: Json = False,
) -> None:
    """
    Play made-up people and programs through the risk rules and tell how often these were right.
    """
    from daysalt.trial.attacker import WAYS, pageviews_left
    from daysalt.trial.report import Figures, evaluate_each
    from daysalt.trial.scenarios import SCENARIOS
    from ingest.risk.signals.catalogue import COUNTER_SIGNALS, SIGNALS

    if scenario != "all" and scenario not in SCENARIOS:
        raise typer.BadParameter(
            f"{scenario[:60]!r} is not a scenario: use all or one of {', '.join(SCENARIOS)}", param_hint="--scenario"
        )
    chosen = list(SCENARIOS.values()) if scenario == "all" else [SCENARIOS[scenario]]
    seeds = range(seed, seed + runs)
    without: dict[str, dict[str, dict[str, float | None]]] = {}
    figures: list[Figures] = []
    with progress_bar(quiet=as_json) as report:
        for number, each in enumerate(chosen):
            report("Playing scenarios", number, len(chosen))
            codes = [signal.code for signal in (*SIGNALS, *COUNTER_SIGNALS)] if ablation else []
            whole, *others = evaluate_each(each, seeds, [frozenset[str](), *(frozenset({code}) for code in codes)])
            figures.append(whole)
            for code, told in zip(codes, others, strict=True):
                if (told.recall, told.false_alarm_share) != (whole.recall, whole.false_alarm_share):
                    changed = {"recall": told.recall, "false_alarm_share": told.false_alarm_share}
                    without.setdefault(each.name, {})[code] = changed
        left = {way.name: pageviews_left(way, seed) for way in WAYS} if attacker else {}
    if as_json:
        told_all = {"scenarios": [each.as_json() for each in figures]}
        print_json(
            told_all
            | ({"ablation": without} if ablation else {})
            | ({"attacker_pageviews_an_hour": left} if attacker else {})
        )
        return
    print_table(
        ("scenario", "events", "people", "called automated", "worst run", "programs", "found", "worst run",
         "precision", "events until found", "nine of ten by", "Brier", "target"),
        [
            [
                each.scenario,
                str(each.events),
                str(each.people),
                _percent(each.false_alarm_share),
                _percent(each.false_alarm_share_worst_run),
                str(each.programs + each.agents),
                _percent(each.recall),
                _percent(each.recall_worst_run),
                _percent(each.precision),
                "" if each.events_until_found_median is None else str(each.events_until_found_median),
                "" if each.events_until_found_late is None else str(each.events_until_found_late),
                "" if each.brier is None else f"{each.brier:.4f}",
                {None: "", True: "reached", False: "missed"}[each.reached],
            ]
            for each in figures
        ],
        empty="Nothing was played.",
    )  # fmt: skip
    bars = [
        [
            each.scenario,
            f"{bar.predicted_from:.1f}",
            str(bar.addresses),
            f"{bar.predicted:.3f}",
            f"{bar.programs:.3f}",
        ]
        for each in figures
        for bar in each.reliability
    ]
    print_table(("scenario", "foretold from", "addresses", "foretold", "were programs"), bars, empty="")
    if ablation:
        rows = [
            [name, code, _percent(told["recall"]), _percent(told["false_alarm_share"])]
            for name, codes in without.items()
            for code, told in codes.items()
        ]
        print_table(("scenario", "without", "found", "people called automated"), rows, empty="No signal matters alone.")
    if attacker:
        print_table(("way", "pageviews an hour"), [[way, str(rate)] for way, rate in left.items()], empty="")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.2f} %"
