"""What every test of the house stands on."""

from hypothesis import HealthCheck, settings

# A machine that has other things to do makes no test fail: how long an example takes is no property of the code.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
