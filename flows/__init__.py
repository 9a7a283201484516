"""The workflows. They are imported here, so that a package that a worker lacks is named whatever flow it runs.

Sweeps and races are not: they load seconds of libraries for numbers, and are made of what these three load.
"""

from flows.missing_packages import missing_package_named

with missing_package_named():
    import flows.distill
    import flows.plan
    import flows.promote  # noqa: F401
