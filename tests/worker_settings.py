"""The settings of a worker that is tried out: those of the tests, and the jobs that can be counted."""

from tests.settings import *  # noqa: F403

PROCRASTINATE_IMPORT_PATHS = ["scopes.jobs", "tests.counting_jobs"]
