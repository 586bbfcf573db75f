"""What operators see of calls: spans of OpenTelemetry and metrics of Prometheus."""
