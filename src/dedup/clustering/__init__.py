"""From verified links to clusters: keep order, the independent set, components."""
