"""How Glue refuses a call. The names are those of the Glue API's errors."""


class GlueError(Exception):
    """A call to Glue is refused."""


class EntityNotFoundError(GlueError):
    """`EntityNotFoundException`: there is no such workflow, job or run."""


class ConcurrentRunsExceededError(GlueError):
    """`ConcurrentRunsExceededException`: as many runs are active as are allowed."""


class InvalidInputError(GlueError):
    """`InvalidInputException`: the call cannot be carried out."""
