"""The kinds of panel, each with what all of its kind share: data source, legend, colours, a link to its how-to."""

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import common, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from examples.monitoring.dashboards.queries import Query

SOURCE = models.DataSourceRef(type_val="prometheus", uid="${source}")
HOW_TO = "${docs}/how-to/respond-to-an-alert.html"


def number(
    title: str,
    unit: str,
    query: str,
    *,
    least: float | None = None,
    warn: float | None = None,
    alarm: float | None = None,
    how_to: str = "",
) -> stat.Panel:
    """Returns one figure of now: red below `least`, yellow from `warn` on, red from `alarm` on, else green."""
    steps = [models.Threshold(color="green" if least is None else "red")]
    bounds = ((least, "green"), (warn, "yellow"), (alarm, "red"))
    steps += [models.Threshold(value=bound, color=color) for bound, color in bounds if bound is not None]
    return (
        stat.Panel()
        .title(title)
        .unit(unit)
        .datasource(SOURCE)
        .with_target(_target(Query(query), 0).instant())
        .thresholds(boards.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
        .color_mode(shapes.BigValueColorMode.VALUE)
        .graph_mode(shapes.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .links(_links(how_to))
        .height(4)
        .span(3)
    )


def graph(
    title: str,
    unit: str,
    *queries: Query,
    stacked: bool = False,
    signed: bool = False,
    text: str = "",
    how_to: str = "",
    span: int = 12,
) -> timeseries.Panel:
    """Returns lines over time, or areas on top of each other, with mean, greatest and last value in the legend."""
    stacking = shapes.StackingMode.NORMAL if stacked else shapes.StackingMode.NONE
    panel = (
        timeseries.Panel()
        .title(title)
        .description(text)
        .unit(unit)
        .datasource(SOURCE)
        .fill_opacity(30 if stacked else 5)
        .show_points(shapes.VisibilityMode.NEVER)
        .stacking(common.StackingConfig().mode(stacking))
        .legend(_legend().calcs(["mean", "max", "lastNotNull"]))
        .tooltip(common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI).sort(shapes.SortOrder.DESCENDING))
        .links(_links(how_to))
        .height(8)
        .span(span)
    )
    if not signed:
        panel = panel.min(0)
    return panel.targets([_target(query, index) for index, query in enumerate(queries)])


def states(
    title: str, query: Query, names: Mapping[int, tuple[str, str]], *, text: str = "", how_to: str = ""
) -> statetimeline.Panel:
    """Returns bands over time; `names` has the text and the colour of each value."""
    shown = {str(value): models.ValueMappingResult(text=name, color=color) for value, (name, color) in names.items()}
    return (
        statetimeline.Panel()
        .title(title)
        .description(text)
        .datasource(SOURCE)
        .with_target(_target(query, 0))
        .mappings([models.ValueMap(options=shown)])
        .color_scheme(boards.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
        .show_value(shapes.VisibilityMode.AUTO)
        .merge_values(True)
        .legend(common.VizLegendOptions().show_legend(False).display_mode(shapes.LegendDisplayMode.LIST))
        .links(_links(how_to))
        .height(7)
        .span(12)
    )


def rows(
    title: str, query: str, columns: Sequence[str], *, value: str = "", unit: str = "", text: str = "", how_to: str = ""
) -> table.Panel:
    """Returns a table of now with these labels as its columns, and with the value where `value` names its column."""
    kept = [*columns, "Value"] if value else list(columns)
    options = {"include": {"names": kept}}
    panel = (
        table.Panel()
        .title(title)
        .description(text)
        .datasource(SOURCE)
        .with_target(_target(Query(query), 0).instant().format(PromQueryFormat.TABLE))
        .with_transformation(models.DataTransformerConfig(id_val="filterFieldsByName", options=options))
        .links(_links(how_to))
        .height(8)
        .span(12)
    )
    if value:
        shown = {"displayName": value, "unit": unit}
        panel = panel.override_by_name("Value", [models.DynamicConfigValue(*each) for each in shown.items()])
    return panel


def _target(query: Query, index: int) -> prometheus.Dataquery:
    reference = "ABCDEFGH"[index]
    return prometheus.Dataquery().expr(query.expression).legend_format(query.legend).ref_id(reference).range()


def _legend() -> common.VizLegendOptions:
    mode, place = shapes.LegendDisplayMode.TABLE, shapes.LegendPlacement.BOTTOM
    return common.VizLegendOptions().show_legend(True).display_mode(mode).placement(place)


def _links(how_to: str) -> list[Builder[models.DashboardLink]]:
    link = boards.DashboardLink("How to respond").type(models.DashboardLinkType.LINK).target_blank(True)
    return [link.url(f"{HOW_TO}#{how_to}")] if how_to else []
