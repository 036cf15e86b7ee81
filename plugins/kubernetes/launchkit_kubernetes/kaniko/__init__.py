"""The builder `kaniko`: its settings, the Job of a build, its context, and what its end means."""
