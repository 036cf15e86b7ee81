"""Components with one defect each: what the contract suites must catch."""
