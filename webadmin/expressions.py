"""Expressions of SQL that several rooms ask by, and have indexes of."""

from django.db.models import F, Func, TextField, Value


def domain_of(field: str) -> Func:
    """The domain of an address, or the whole of what has no @."""
    return Func(F(field), Value("@"), Value(-1), function="split_part", output_field=TextField())
