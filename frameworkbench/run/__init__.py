"""Plan, launch, record, resume: the parent's side of a run."""
