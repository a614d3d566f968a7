"""The one password hasher, at the cost that mailservices/mail/passwords.py sets for every server."""

from django.contrib.auth.hashers import Argon2PasswordHasher

from mailservices.mail import passwords


class Argon2(Argon2PasswordHasher):
    """Argon2id at the appliance's own cost."""

    time_cost = passwords.TIME_COST
    memory_cost = passwords.MEMORY_KIB
    parallelism = passwords.PARALLELISM
