"""Where a run stands that is larger than memory: on one machine, or on Spark."""
