"""The settings of a worker under test: those of the tests, with the jobs that can be counted."""

from tests.settings import *  # noqa: F403

PROCRASTINATE_IMPORT_PATHS = ["scopes.jobs", "tests.counting_jobs"]
