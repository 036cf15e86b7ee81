"""The steps between a claim and a submission: pure functions of values."""
