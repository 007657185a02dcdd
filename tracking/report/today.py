"""The words for what the same calls would cost today."""

from tracking.analysis.today import Repriced
from tracking.domain.cost import CostState
from tracking.report.format import counted, usd


def today_note(both: Repriced) -> str | None:
    """In a sentence; None where it makes no difference. What was recorded stays: this is only a view."""
    if not both.differs:
        return None
    then, now = both.recorded, both.now
    if now.nano_usd is None:
        return "None of these calls has a price today. What was recorded stays."
    if both.unpriced_now > both.unpriced_then:
        has = "has" if both.unpriced_now == 1 else "have"
        others = usd(now.amount, CostState.KNOWN) if now.nano_usd else "nothing"
        return (
            f"{both.unpriced_now:,} of these {counted(both.calls, 'call')} {has} no price today; the others "
            f"would cost {others}. What was recorded stays."
        )
    would = f"At today's prices the same calls would cost {usd(now.amount, now.state)}"
    if then.nano_usd is None:
        return f"{would}; none of them had a price when it was made."
    return f"{would}, not {usd(then.amount, then.state)}."
