"""The workflows. They are imported here, so that a package that a worker lacks is named whatever flow it runs."""

from flows.missing_packages import missing_package_named

with missing_package_named():
    import flows.distill
    import flows.plan
    import flows.promote
    import flows.race
    import flows.sweep  # noqa: F401
