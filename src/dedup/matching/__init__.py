"""Which texts may be alike, and how alike they are: the plan, candidates, verification and relations."""
