"""What holds for all tests: how hypothesis looks for examples."""

from hypothesis import HealthCheck, settings

__all__: list[str] = []

# How long an example takes says how busy the machine is. The same examples in every run: what fails, fails for the
# change under test. `pytest --hypothesis-profile explore tests/property` looks further.
settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", settings.get_profile("suite"), derandomize=False, max_examples=2000)
settings.load_profile("suite")
