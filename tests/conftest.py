import os

from hypothesis import HealthCheck, settings

# Derandomized: a failure on the build machine is the same failure everywhere, and never one of chance.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
# A slow machine is no fault of the code under test.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "dev")
