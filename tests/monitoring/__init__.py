"""What the chart brings for Prometheus and Grafana, put to the test: alerts, their runbooks, the dashboard."""
