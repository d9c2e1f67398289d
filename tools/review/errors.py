"""What can be wrong with a plan, said in sentences."""


class PlanError(ValueError):
    """The file is no plan that can be reviewed; the message says what to do."""
