"""W&B report of a study: its panels and their layout."""

import wandb_workspaces.reports.v2.interface as wr

from hpo.config.study_file import StudyFile
from hpo.tracking.points import objective_key

_RUNS = {"trial": "trials", "baseline": "baselines", "confirmation": "confirmation runs", "study": "study"}
"""Names of sets of runs by the type of their runs."""
WIDE, HALF, HEIGHT = 24, 12, 8
"""Sizes of panels in W&B's grid."""


def report_of(file: StudyFile, entity: str) -> wr.Report:
    """Returns the unsaved report of what was logged under the study's name.

    Args:
        file: study file.
        entity: user or team at W&B.
    """
    settings = file.settings
    sampler = settings.sampler.model_dump()["name"]
    goals = ", ".join(f"{objective.metric} ({objective.goal}d)" for objective in settings.objectives)
    summary = f"{settings.budget.trials} trials, sampler `{sampler}`, objectives: {goals}."
    trials = _runset(file, "trial")
    return wr.Report(
        project=settings.tracking.project,
        entity=entity,
        title=f"Study {settings.name}",
        description=summary,
        width="fluid",
        blocks=[
            wr.MarkdownBlock(summary),
            wr.H1("Configurations and results"),
            wr.PanelGrid(runsets=[trials], panels=_search(file)),
            wr.H1("Visit by visit"),
            wr.PanelGrid(runsets=[trials], panels=_curves(file)),
            wr.H1("Baselines, on the frames of the search"),
            wr.PanelGrid(runsets=[_runset(file, "baseline")], panels=_curves(file)),
            wr.H1("Confirmation, with fresh seeds"),
            wr.PanelGrid(runsets=[_runset(file, "confirmation")], panels=_curves(file)),
            wr.H1("Leaderboard"),
            wr.PanelGrid(runsets=[_runset(file, "study")], panels=_leaderboard()),
        ],
    )


def _search(file: StudyFile) -> list[wr.PanelTypes]:
    objectives = [objective_key(objective.metric) for objective in file.settings.objectives]
    columns = [wr.ParallelCoordinatesPlotColumn(metric=wr.Config(path)) for path in file.space.parameters]
    columns += [wr.ParallelCoordinatesPlotColumn(metric=wr.SummaryMetric(name)) for name in objectives]
    # With a single objective, the other axis is the speed.
    across = objectives[1] if len(objectives) > 1 else "frames_per_second"
    return [
        wr.ParallelCoordinatesPlot(title="Configurations", columns=columns, layout=wr.Layout(w=WIDE, h=HEIGHT)),
        wr.ParameterImportancePlot(with_respect_to=objectives[0], layout=wr.Layout(y=HEIGHT, w=HALF, h=HEIGHT)),
        wr.ScatterPlot(
            title="Pareto front",
            x=wr.SummaryMetric(across),
            y=wr.SummaryMetric(objectives[0]),
            layout=wr.Layout(x=HALF, y=HEIGHT, w=HALF, h=HEIGHT),
        ),
    ]


def _curves(file: StudyFile) -> list[wr.PanelTypes]:
    domains = file.run_settings().scored_domains()
    names = {
        "visited_miou": "mIoU on the domain of the visit",
        **{f"miou/{name}": f"mIoU on {name}" for name in domains},
    }
    return [
        wr.LinePlot(
            title=title,
            x=wr.Metric("visit"),
            y=[wr.Metric(name)],
            layout=wr.Layout(x=HALF * (index % 2), y=HEIGHT * (index // 2), w=HALF, h=HEIGHT),
        )
        for index, (name, title) in enumerate(names.items())
    ]


def _leaderboard() -> list[wr.PanelTypes]:
    return [wr.WeavePanelSummaryTable(table_name="leaderboard", layout=wr.Layout(w=WIDE, h=HEIGHT))]


def _runset(file: StudyFile, kind: str) -> wr.Runset:
    """Returns the study's runs, with a table below the panels: best first, objectives and parameters as columns."""
    first = file.settings.objectives[0]
    names = [objective_key(objective.metric) for objective in file.settings.objectives]
    columns = ["run:displayName", "run:state", *(f"summary:{name}" for name in [*names, "gain", "frames_per_second"])]
    # W&B stores a nested setting in the value of its section.
    parameters = [path.partition(".") for path in file.space.parameters]
    columns += [f"config:{section}.value{dot}{rest}" for section, dot, rest in parameters]
    return wr.Runset(
        name=f"{_RUNS[kind]} of {file.settings.name}",
        filters=f"Metric('Group') == '{file.settings.name}' and Metric('JobType') == '{kind}'",
        order=[wr.OrderBy(name=wr.SummaryMetric(names[0]), ascending=first.goal == "minimize")],
        visible_columns=columns,
    )
