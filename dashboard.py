"""The entry of `streamlit run dashboard.py`: page config, navigation, error boundary; nothing else."""

import streamlit as st

from tracking.ui import shell
from tracking.ui.boundary import boundary

st.set_page_config(
    page_title="Marketing Research Swarm",
    page_icon=".streamlit/icon.png",
    layout="wide",
    menu_items={"About": "Configure a crew, run it, and see what it really used and cost."},
)

page = st.navigation(
    [
        st.Page("tracking/ui/pages/analyze.py", title="Analyze", icon=":material/tune:", default=True),
        st.Page("tracking/ui/pages/runs.py", title="Runs", icon=":material/history:", url_path="runs"),
        st.Page(
            "tracking/ui/pages/overview.py",
            title="Overview",
            icon=":material/monitoring:",
            url_path="overview",
        ),
        st.Page(
            "tracking/ui/pages/budgets.py", title="Budgets", icon=":material/savings:", url_path="budgets"
        ),
        st.Page(
            "tracking/ui/pages/prices.py", title="Models & prices", icon=":material/sell:", url_path="prices"
        ),
        st.Page(
            "tracking/ui/pages/health.py",
            title="Health",
            icon=":material/health_and_safety:",
            url_path="health",
        ),
        st.Page(
            "tracking/ui/pages/alerts.py",
            title="Alerts",
            icon=":material/notifications:",
            url_path="alerts",
        ),
    ]
)
with boundary():
    page.run()
with boundary():
    shell.chips()
