"""The flows: one file a flow, the only place that knows the order of the steps."""
