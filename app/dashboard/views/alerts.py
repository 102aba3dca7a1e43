"""Alerts: rules, webhooks, delivery log. `alerts.mjs` builds the forms."""

from dash import html
from dash.development.base_component import Component

from app.dashboard.parts import heading, panel, table, with_attributes


def build() -> Component:
    """Return the three panels, and the question for a token where one is needed."""
    return html.Div(
        [
            html.Div(id="alerts-token", hidden=True),
            html.Div([_rules(), _webhooks(), _log()], className="grid alerts"),
        ]
    )


def _rules() -> Component:
    body = html.Div(
        [
            html.Div(id="alerts-rule-form"),
            html.Ul(id="alerts-rules", className="cards"),
        ],
        className="padded scroll",
        tabIndex=0,
        role="group",
    )
    return panel("alerts-rules", heading("alerts-rules", "Rules", "what is watched"), body)


def _webhooks() -> Component:
    secret = with_attributes(
        html.Div(id="alerts-secret", hidden=True), {"role": "status", "aria-live": "polite"}
    )
    body = html.Div(
        [
            html.Div(id="alerts-webhook-form"),
            secret,
            html.Ul(id="alerts-webhooks", className="cards"),
        ],
        className="padded scroll",
        tabIndex=0,
        role="group",
    )
    return panel("alerts-webhooks", heading("alerts-webhooks", "Webhooks", "who is told"), body)


def _log() -> Component:
    columns = ("Time", "Event", "To", "Status", "Tries", "Code", "What happened", "")
    rows = table("alerts-log", columns, "title-alerts-log")
    return panel(
        "alerts-log",
        heading("alerts-log", "Delivery log", "newest first"),
        html.Div(
            [rows, html.P("", id="alerts-log-words", className="sentence padded")],
            className="scroll",
            tabIndex=0,
            role="group",
        ),
    )
