"""The run in one line, which is always true, and what a person should know before starting it."""

from tracking.crew.catalog import Catalog, ModelEntry
from tracking.crew.estimate import Estimate
from tracking.domain.cost import Cost, CostState
from tracking.domain.spec import RunSpec
from tracking.report.format import counted, tokens, usd
from tracking.ui.configure.draft import Draft


def summary_line(draft: Draft) -> str:
    """`3 agents · 3 tasks · local demo model · about 1,100 tokens (900 to 1,400) · free`."""
    if draft.spec is None:
        return "No agents chosen: nothing would run."
    parts = [counted(len(draft.spec.agents), "agent"), counted(len(_tasks(draft)), "task")]
    parts.append(models_in_words(draft.catalog, draft.spec))
    if draft.plan is not None:
        parts.append(estimate_in_words(draft.plan.estimate))
    return " · ".join(parts)


def estimate_in_words(found: Estimate) -> str:
    """`about 1,100 tokens (900 to 1,400) · $0.0025`."""
    used = f"about {tokens(_rounded(found.tokens))} tokens ({_range(found.low, found.high)})"
    return f"{used} · {_cost_in_words(found.cost)}"


def cautions(draft: Draft) -> list[str]:
    """What will probably go otherwise than meant, though it can run."""
    if draft.spec is None or draft.plan is None:
        return []
    found = short_of_output(draft)
    for task in draft.plan.estimate.tasks:
        model = draft.catalog.models[task.model]
        if task.high > model.context_window:
            found.append(
                f"{task.agent_name} may need {tokens(task.high)} tokens, {model.label} has room for "
                f"{tokens(model.context_window)}: lower the output or trim the context."
            )
    budget = draft.spec.settings.token_budget
    if budget is not None and budget < draft.plan.estimate.tokens:
        found.append(f"The token budget of {tokens(budget)} will probably end the run before its last task.")
    return found


def short_of_output(draft: Draft) -> list[str]:
    """Which of the run's models would spend the whole limit on thinking, and have nothing left to say."""
    if draft.spec is None:
        return []
    limit = draft.spec.settings.max_output_tokens
    models = [draft.catalog.models[name] for name in draft.spec.models]
    return [
        f"{model.label} thinks before it answers, and that counts as output: with less than "
        f"{tokens(model.min_output_tokens)} tokens its answers may be empty."
        for model in models
        if limit < (model.min_output_tokens or 0)
    ]


def models_in_words(catalog: Catalog, spec: RunSpec) -> str:
    used = spec.models
    if len(used) > 1:
        return f"{len(used)} models"
    return short_label(catalog.models[used[0]])


def short_label(model: ModelEntry) -> str:
    return "local demo model" if model.is_local else model.label


def _tasks(draft: Draft) -> tuple[object, ...]:
    assert draft.spec is not None
    return draft.catalog.tasks_of(draft.spec.agents)


def _range(low: int, high: int) -> str:
    return f"{tokens(_rounded(low))}\N{EN DASH}{tokens(_rounded(high))}"


def _rounded(count: int) -> int:
    """Two significant digits: an estimate that shows more claims to know more."""
    return round(count, 2 - len(str(count)))


def _cost_in_words(cost: Cost) -> str:
    match cost.state:
        case CostState.FREE:
            return "free"
        case CostState.UNPRICED:
            return "price not known"
        case CostState.PARTIAL:
            return f"{usd(cost.amount, cost.state)}, some of it at an unknown price"
        case _:
            return usd(cost.amount, cost.state)
