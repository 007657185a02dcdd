"""Which sales file is analysed: the sample, or an upload."""

import streamlit as st

from tracking.dataset.sales import SalesData
from tracking.report.format import counted
from tracking.ui import state
from tracking.ui.configure import form
from tracking.ui.configure.draft import Draft, Place
from tracking.ui.configure.upload import back_to_the_sample, uploader
from tracking.ui.prose import plain


def data_section(draft: Draft) -> None:
    with st.container(border=True):
        left, right = st.columns([3, 2], gap="large")
        with left:
            st.subheader("Data", anchor=False)
            _described(draft.data)
        with right:
            uploader()
            for problem in draft.problems_at(Place.DATA):
                st.error(plain(problem), icon=":material/error:")
            back_to_the_sample()


def _described(data: SalesData | None) -> None:
    if data is None:
        st.markdown(f"**{plain(form.dataset().name)}** can't be used as it is.")
        return
    sample = " (sample)" if data.is_sample else ""
    period = f"{data.first_date:%Y-%m} → {data.last_date:%Y-%m}"
    st.markdown(f"**{plain(data.name)}**{sample} · {counted(data.rows, 'row')} · {period}")
    found = state.choices(data)
    kinds = {
        "region": found.regions,
        "country": found.countries,
        "category": found.categories,
        "brand": found.brands,
    }
    st.caption(" · ".join(_kind(noun, names) for noun, names in kinds.items() if names))
    with st.popover("First rows", icon=":material/table:", type="tertiary"):
        st.dataframe(
            data.frame.head(8),
            hide_index=True,
            width=720,
            column_config={"date": st.column_config.DateColumn(format="YYYY-MM-DD")},
        )


def _kind(noun: str, names: tuple[str, ...]) -> str:
    plural = f"{noun.removesuffix('y')}ies" if noun.endswith("y") else f"{noun}s"
    return f"1 {noun}" if len(names) == 1 else f"{len(names):,} {plural}"
