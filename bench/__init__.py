"""How fast the appliance is, compared with Postfix and Dovecot on the same machine in the same run."""
