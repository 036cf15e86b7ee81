"""From a queue's config and a submission to the objects that are created. No I/O."""
