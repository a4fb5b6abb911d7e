"""The autonomy schedule in practice: the file a repository keeps, which of its versions rules, what of it is
in force, by path and by branch. The shipped schedule and the user's own: `agent.schedule`."""
