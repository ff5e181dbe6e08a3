"""What Prometheus sees. No number, address, subject or user is ever a label."""

from prometheus_client import Counter, Gauge, Histogram

inbound = Counter("cc_inbound", "Messages accepted from outside", ["channel", "result"])
refused = Counter("cc_webhook_refused", "Webhooks refused", ["channel", "why"])
attempts = Counter("cc_send_attempts", "Calls to providers", ["channel"])
webhook_seconds = Histogram(
    "cc_webhook_seconds", "Time to answer a webhook", buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
)
sockets = Gauge("cc_sockets", "Open sockets", ["side"])
tail = Gauge("cc_tail_pos", "Last event position this process has passed on")
lag = Gauge("cc_sequencer_lag", "Committed events without a position")
outbox_age = Gauge("cc_outbox_oldest_seconds", "Age of the oldest unsent delivery")
unknown = Gauge("cc_outbox_unknown", "Deliveries whose outcome is not known")
waiting = Gauge("cc_waiting", "Tickets waiting in queues")
breach = Gauge("cc_invariant_breaches", "What must be zero", ["rule"])
