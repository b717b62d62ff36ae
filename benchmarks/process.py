"""How a process of a measurement begins. Imports nothing of ours, because Django is not set up yet."""


def begin() -> None:
    """Set Django up in a new process."""
    import django

    django.setup()
